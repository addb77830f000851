"""What of a prompt a model reads: a prompt is a text or a list of chat messages."""

from __future__ import annotations

from typing import Any

__all__ = ["prompt_text"]


def prompt_text(prompt: Any, tokenizer: Any | None = None) -> str:
    r"""A prompt as one text.

    Args:
        prompt: A string, or a list of chat messages with ``role`` and ``content``.
        tokenizer: Its chat template renders messages, with the mark where the answer begins; None, or a tokenizer
            without a template, joins their contents by line breaks.

    Returns:
        The text.

    Raises:
        ValueError: If the prompt is neither.

    >>> prompt_text([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "1+1="}])
    'Be brief.\n1+1='
    """
    if isinstance(prompt, str):
        return prompt
    if not isinstance(prompt, list | tuple) or not all(isinstance(part, dict) and "content" in part for part in prompt):
        raise ValueError(f"a prompt is {prompt!r:.80}; give a string or a list of chat messages with role and content")
    if tokenizer is not None and getattr(tokenizer, "chat_template", None):
        return str(tokenizer.apply_chat_template(list(prompt), tokenize=False, add_generation_prompt=True))
    return "\n".join(str(part["content"]) for part in prompt)
