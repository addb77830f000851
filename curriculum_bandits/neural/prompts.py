"""Texts and tokens of prompts as a model reads them: a prompt is a text or a list of chat messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["prompt_text", "prompt_tokens"]


def prompt_text(prompt: Any, tokenizer: Any | None = None) -> str:
    r"""A prompt as one text.

    Args:
        prompt: A string, or a list of chat messages with ``role`` and ``content``.
        tokenizer: Its chat template renders messages, with the mark where the answer begins; None, or a tokenizer
            without a template, joins their contents by line breaks.

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


def prompt_tokens(prompts: Sequence[Any], tokenizer: Any, max_length: int) -> list[list[int]]:
    """Token ids of each prompt, with special tokens: a chat template writes them itself, plain texts are given them.

    Args:
        prompts: Texts or chat messages.
        tokenizer: A Hugging Face tokenizer; it comes back as it was.
        max_length: Most tokens; a longer prompt loses its beginning, since the question is at its end.
    """
    template = bool(getattr(tokenizer, "chat_template", None))
    rendered = [template and not isinstance(prompt, str) for prompt in prompts]
    rows: list[list[int]] = [[] for _ in prompts]
    side = tokenizer.truncation_side
    tokenizer.truncation_side = "left"
    try:
        for from_template in set(rendered):
            places = [place for place, each in enumerate(rendered) if each == from_template]
            texts = [prompt_text(prompts[place], tokenizer) for place in places]
            how = {"add_special_tokens": not from_template, "padding": False, "truncation": True}
            ids = tokenizer(texts, max_length=max_length, **how)["input_ids"]
            for place, row in zip(places, ids, strict=True):
                rows[place] = list(row)
    finally:
        tokenizer.truncation_side = side
    return rows
