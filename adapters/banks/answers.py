"""Which part of a completion is the answer, and how a problem is put to the model so that it gives one.

The last mark counts: a model that thinks aloud may try several before it settles.
"""

from __future__ import annotations

import re
from typing import Any, Literal, get_args

__all__ = ["AnswerForm", "answer_in", "prompt_for", "template_for"]

#: Where the answer stands: between tags, in ``\boxed{}``, on the last line, or the whole completion.
AnswerForm = Literal["tag", "boxed", "last_line", "whole"]

# What is asked of the model for each form.
_TEMPLATES: dict[str, str] = {
    "tag": "{question}\n\nThink step by step, then write only your final answer between <answer> and </answer>.",
    "boxed": "{question}\n\nThink step by step, then write your final answer in \\boxed{}.",
    "last_line": "{question}\n\nThink step by step, then write only your final answer on the last line.",
    "whole": "{question}",
}

_TAG = re.compile(r"<answer>(.*?)</answer>", re.DOTALL)


def answer_in(completion: str, form: str) -> str | None:
    r"""The answer that a completion gives, without white space around it; None if there is none in that form.

    Raises:
        ValueError: If the form is not one of `AnswerForm`.

    >>> answer_in("<answer>1</answer> No: <answer> 2 </answer>", "tag"), answer_in("so it is \\boxed{x^{2}}", "boxed")
    ('2', 'x^{2}')
    """
    if form == "whole":
        return completion.strip()
    if form == "last_line":
        lines = completion.strip().splitlines()
        return lines[-1].strip() if lines else None
    if form == "tag":
        start = completion.rfind("<answer>")
        found = _TAG.match(completion, start) if start >= 0 else None
        if found is None and start > 0:  # the last one was cut off; an earlier one may be whole
            all_found = _TAG.findall(completion[:start])
            return str(all_found[-1]).strip() if all_found else None
        return None if found is None else found[1].strip()
    if form == "boxed":
        return _boxed(completion)
    raise ValueError(f"answer_form is {form!r}; choose one of {', '.join(get_args(AnswerForm))}")


def _boxed(completion: str) -> str | None:
    start = completion.rfind("\\boxed{")
    if start < 0:
        return None
    depth, begin = 0, start + len("\\boxed{")
    for position in range(begin, len(completion)):
        depth += {"{": 1, "}": -1}.get(completion[position], 0)
        if depth < 0:
            return completion[begin:position].strip()
    return None


def template_for(answer_form: str, template: str | None) -> str:
    """The template, or the one that asks for this form of answer; ValueError if it lacks ``{question}``."""
    answer_in("", answer_form)
    template = _TEMPLATES[answer_form] if template is None else template
    if "{question}" not in template:
        raise ValueError(f"template is {template!r}; write {{question}} where the problem goes")
    return template


def prompt_for(question: str, template: str, *, chat: bool = False, system: str | None = None) -> Any:
    """A problem as it is put to the model: a text, or a list of chat messages.

    Args:
        question: The problem.
        template: Text in which ``{question}`` stands for it; nothing else in it is replaced.
        chat: Give chat messages, which TRL renders by the model's own template, in the place of a plain text.
        system: First message of a chat, or first paragraph of a text.
    """
    text = template.replace("{question}", question)
    if not chat:
        return text if system is None else f"{system}\n\n{text}"
    first = [] if system is None else [{"role": "system", "content": system}]
    return [*first, {"role": "user", "content": text}]
