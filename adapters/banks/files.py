"""Banks from files: JSONL, or any data set that the library `datasets` reads.

Nothing in them is evaluated. Answers are compared as texts, as mathematics, or by a function of the user's own, given
by its import path.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from curriculum_bandits.bank import ProblemBank, read_jsonl
from curriculum_bandits.extras import require_extra
from curriculum_bandits.grammar import import_function, unknown_name

from .answers import answer_in, prompt_for, template_for
from .mathematics import math_judge

__all__ = ["ROLES", "file_bank", "read_rows"]

#: What a column can be.
ROLES = ("prompt", "id", "answer", "group", "difficulty")


def read_rows(path: str, *, name: str | None = None, split: str | None = None) -> list[dict[str, Any]]:
    """Rows of a file or a data set.

    Args:
        path: A ``.jsonl`` file, a folder that `datasets.save_to_disk` wrote, or what `datasets.load_dataset` takes.
        name: Configuration of the data set.
        split: Its split, such as ``train``.

    Raises:
        ValueError: If there is nothing there, or several splits and none is named.
    """
    if path.endswith(".jsonl"):
        if not Path(path).is_file():
            raise ValueError(f"there is no file {path!r}")
        return read_jsonl(path)
    datasets = require_extra("datasets", "llm")
    if any((Path(path) / mark).exists() for mark in ("state.json", "dataset_dict.json")):
        found = datasets.load_from_disk(path)
        if split is not None and isinstance(found, Mapping):
            if split not in found:
                raise unknown_name(f"split of {path}", split, list(found))
            found = found[split]
    else:
        try:
            found = datasets.load_dataset(path, name, split=split)
        except (OSError, ValueError, RuntimeError) as error:
            raise ValueError(f"the data set {path!r} cannot be loaded: {' '.join(str(error).split())[:300]}") from None
    if isinstance(found, Mapping):
        raise ValueError(f"{path!r} has the splits {', '.join(found)}; name one with split")
    return [dict(row) for row in found]


def file_bank(
    rows: Sequence[Mapping[str, Any]],
    *,
    prompt: str = "prompt",
    id: str | None = None,
    answer: str | None = None,
    group: str | None = None,
    difficulty: str | None = None,
    verifier: str | None = None,
    mathematics: bool = False,
    answer_form: str = "whole",
    template: str | None = None,
    chat: bool = False,
    system: str | None = None,
    seconds: float = 5.0,
) -> ProblemBank:
    """A bank from rows, with the columns' roles named.

    Args:
        rows: All with the same keys.
        prompt: Column of the problems, texts or lists of chat messages; the latter are taken as they are.
        id: Column of ids; each column without a name is the one of its role's name, if there is one.
        answer: Column of reference answers.
        group: Column of group labels.
        difficulty: Column of difficulties, numbers or words; words such as ``Level 3`` are numbered in their order.
        verifier: Import path of a function ``(completion, row) -> reward``.
        mathematics: Compare answers by math-verify.
        answer_form: Where a completion has its answer, one of `AnswerForm`.
        template: As for `prompt_for`; by default it asks for that form of answer.
        chat: As for `prompt_for`.
        system: As for `prompt_for`.
        seconds: Time for one comparison by math-verify.

    Raises:
        ValueError: If a column does not exist, no answer can be judged, or a setting makes no sense.
    """
    template = template_for(answer_form, template)
    if not rows:
        raise ValueError("the bank is empty; give at least one row")
    columns = list(rows[0])
    roles = dict(zip(ROLES, (prompt, id, answer, group, difficulty), strict=True))
    for role, column in roles.items():
        if column is not None and column not in columns:
            raise unknown_name(f"column (for the {role})", column, columns)
    answers = answer or ("answer" if "answer" in columns else None)
    if answers is None and verifier is None:
        raise ValueError(
            f"no answer can be judged: the columns are {', '.join(columns)}; name the column of the answers with "
            "answer, or give verifier: package.module:function"
        )
    put = [{**row, prompt: _prompt(row[prompt], template, chat, system)} for row in rows]
    level = difficulty or ("difficulty" if "difficulty" in columns else None)
    if level is not None and any(isinstance(row[level], str) and not _is_number(row[level]) for row in put):
        number = {word: i for i, word in enumerate(sorted({str(row[level]) for row in put}))}
        put = [{**row, level: number[str(row[level])]} for row in put]
    bank: ProblemBank

    def judged(item: int, text: str) -> float:
        if own is not None:
            return float(own(text, bank.row(item)))
        assert bank.answers is not None
        if mathematics:
            return math_judge(seconds).score(str(bank.answers[item]), text, answer_form)
        given = answer_in(text, answer_form)
        return float(given is not None and given == str(bank.answers[item]).strip())

    own: Any = None if verifier is None else import_function(verifier)
    bank = ProblemBank.from_records(
        put, prompt=prompt, id=id, answer=answer, group=group, difficulty=difficulty, verifier=judged
    )
    return bank


def _prompt(problem: Any, template: str, chat: bool, system: str | None) -> Any:
    return prompt_for(problem, template, chat=chat, system=system) if isinstance(problem, str) else problem


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
