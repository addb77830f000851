"""The page: headline numbers, figures and tables, in one file that asks nothing of the network.

Everything that came from the run passes through Jinja2 with autoescaping on; the figures alone are trusted, because
they are drawn here. A content policy in the page forbids scripts and loads on top of that.
"""

from __future__ import annotations

import contextlib
import math
import os
import tempfile
from dataclasses import dataclass
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import Any

from curriculum_bandits.extras import require_extra
from curriculum_bandits.report.estimates import group_utility, most_and_least
from curriculum_bandits.report.figures import figures_of, main_metric, parts_of_a_step
from curriculum_bandits.report.reading import find_record, read_example, read_record
from curriculum_bandits.report.text import compact, duration, number, percent, visible
from curriculum_bandits.report.totals import Totals

__all__ = ["Headline", "headlines", "page_of", "write_report"]

_MOST_PROBLEMS = 10  # in either table


@dataclass(frozen=True)
class Headline:
    """A number at the top of the page.

    Attributes:
        name: What it is.
        value: As people read it.
        note: More about it, in a few words.
    """

    name: str
    value: str
    note: str = ""


def write_report(run: str | os.PathLike[str], output: str | os.PathLike[str] | None = None) -> Path:
    """Read the record of a run and write the page about it.

    Args:
        run: Folder of the run, or its record.
        output: Where the page goes; by default ``report.html`` beside the record. Replaced in one step.

    Returns:
        Path of the page.

    Raises:
        ValueError: If there is no record, or it cannot be read.
        ModuleNotFoundError: If matplotlib or Jinja2 is missing.
        OSError: If the page cannot be written.
    """
    record = find_record(run)
    path = record.with_name("report.html") if output is None else Path(output)
    if path.is_dir():
        raise ValueError(f"{path} is a folder; name the file that the page goes to, such as {path / 'report.html'}")
    if path.exists() and path.samefile(record):
        raise ValueError(f"{path} is the record itself; give another --output")
    for module in ("matplotlib", "jinja2"):
        require_extra(module, "report")
    page = page_of(read_record(record), record)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, partial = tempfile.mkstemp(prefix=".report-", dir=path.parent)
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(page)
        # A temporary file is its owner's alone; a page is to be looked at.
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(partial, 0o666 & ~mask)
        os.replace(partial, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(partial)
        raise
    return path


def page_of(totals: Totals, record: Path) -> str:
    """The page about a run.

    Args:
        totals: What its record adds up to.
        record: Where that is, from which examples are read again.

    Returns:
        HTML.
    """
    jinja2 = require_extra("jinja2", "report")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"visible": visible}
    template = resources.files("curriculum_bandits.report").joinpath("page.html").read_text(encoding="utf-8")
    most, least = most_and_least(totals, _MOST_PROBLEMS)
    problems = [
        {"title": title, "rows": [_problem(totals, record, int(row)) for row in rows]}
        for title, rows in (("taught most", most), ("taught least", least))
        if len(rows)
    ]
    page = environment.from_string(template).render(
        method=totals.method,
        summary=_summary(totals),
        headlines=headlines(totals),
        notes=_notes(totals),
        figures=figures_of(totals),
        groups=_groups(totals),
        weighted=totals.weighted,
        times=_times(totals),
        problems=problems,
        version=version("curriculum-bandits"),
    )
    # What UTF-8 cannot hold was made visible where people read it; a stray one elsewhere must not stop the page.
    return str(page).encode("utf-8", "replace").decode("utf-8")


def headlines(totals: Totals) -> list[Headline]:
    """The numbers at the top.

    Args:
        totals: What a record adds up to.

    Returns:
        Those that the record has.
    """
    found = []
    if totals.last_step >= 0:
        found.append(Headline("steps", f"{totals.last_step:,}"))
    if math.isfinite(totals.tokens):
        found.append(Headline("tokens", compact(totals.tokens), "prompts and completions"))
    seconds = float(totals.seconds["step"].sum())
    if totals.step_lines and seconds > 0:
        found.append(Headline("wall-clock", duration(seconds), f"in steps, {seconds / totals.step_lines:.3g} s each"))
    metric = main_metric(totals.evaluations)
    if metric is not None:
        measured = [one for one in totals.evaluations if metric in one.metrics]
        best = max(measured, key=lambda one: one.metrics[metric])
        found.append(Headline(f"last {metric}", f"{measured[-1].metrics[metric]:.3f}", "held-out"))
        found.append(Headline(f"best {metric}", f"{best.metrics[metric]:.3f}", f"at step {best.step:,}"))
    judged = float(totals.by_group["judged"].sum())
    if judged:
        share = float(totals.by_group["informative"].sum()) / judged
        found.append(Headline("informative", percent(share), "of problems drawn: rewards differ"))
    tokens = float(totals.by_bin["tokens"].sum())
    if totals.has_tokens and tokens:
        wasted = float(totals.by_bin["wasted"].sum()) / tokens
        found.append(Headline("wasted", percent(wasted), "of completion tokens: rewards equal"))
    drawn = float(totals.by_group["drawn"].sum())
    if drawn:
        once = len(totals.problems)
        of = f"of {totals.bank_size:,} in the bank" if totals.bank_size else "different ones"
        found.append(Headline("problems met", f"{once:,}", of))
        rejected = float(totals.by_bin["rejected"].sum())
        if rejected:
            found.append(Headline("rejected", percent(rejected / drawn), "of problems drawn, by a filter"))
    parts = parts_of_a_step(totals)
    if len(parts) > 1:
        spent = {name: float(part.sum()) / seconds for name, part in parts.items()}
        own = sum(share for name, share in spent.items() if name not in ("rest", "rescore"))
        note = f"of time, and {percent(spent['rescore'])} re-scoring" if spent.get("rescore") else "of time"
        found.append(Headline("overhead", percent(own), note))
    return found


def _summary(totals: Totals) -> str:
    words = []
    if totals.bank_size:
        words.append(f"a bank of {totals.bank_size:,} problems")
    named = [name for name in totals.groups if totals.has_groups or name]
    if totals.has_groups and named:
        words.append(f"{len(named):,} {'group' if len(named) == 1 else 'groups'}")
    if totals.generations:
        words.append(f"{totals.generations:,} rollouts per problem")
    words.append(f"{totals.draw_lines:,} {'draw' if totals.draw_lines == 1 else 'draws'}")
    return ", ".join(words)


def _notes(totals: Totals) -> list[str]:
    notes = []
    if totals.last_step < 0:
        notes.append("Nothing has happened yet: the record has its first line only.")
    if totals.draws < totals.draw_lines:
        notes.append(
            f"The record is large: {totals.draws:,} of its {totals.draw_lines:,} draws were read, chosen at random. "
            "Shares and means are estimated from them; counts of problems are of what was read. Steps, times, tokens "
            "and evaluations are complete."
        )
    if totals.broken_lines:
        lines = "One line" if totals.broken_lines == 1 else f"{totals.broken_lines:,} lines"
        notes.append(
            f"{lines} of the record could not be read and {'is' if totals.broken_lines == 1 else 'are'} left out; "
            "the last one is cut short while a run goes on or after it was killed."
        )
    return notes


def _groups(totals: Totals) -> list[dict[str, str]]:
    if not totals.has_groups:
        return []
    estimate = group_utility(totals)
    drawn, judged, informative, rewards = (
        totals.by_group[name].sum(axis=0) for name in ("drawn", "judged", "informative", "rewards")
    )
    every = max(float(drawn.sum()), 1.0)
    rows = []
    for index, name in enumerate(totals.groups):
        some = judged[index] > 0
        half = estimate.half_width[index]
        rows.append(
            {
                "name": name,
                "drawn": f"{int(drawn[index]):,}",
                "share": percent(drawn[index] / every),
                "reward": number(rewards[index] / judged[index]) if some else "-",
                "informative": percent(informative[index] / judged[index]) if some else "-",
                "utility": number(estimate.mean[index]),
                "interval": f"± {half:.2g}" if math.isfinite(half) else "-",
            }
        )
    return rows


def _times(totals: Totals) -> list[dict[str, str]]:
    parts = parts_of_a_step(totals)
    whole = float(totals.seconds["step"].sum())
    named = {**{name: float(part.sum()) for name, part in parts.items()}, "whole step": whole} if parts else {}
    return [
        {
            "part": name,
            "total": duration(spent),
            "share": percent(spent / whole),
            "each": f"{1000 * spent / max(totals.step_lines, 1):,.1f} ms",
        }
        for name, spent in named.items()
    ]


def _problem(totals: Totals, record: Path, row: int) -> dict[str, Any]:
    problems = totals.problems
    offset = int(problems.example_offset[row])
    return {
        "id": problems.ids[row],
        "group": totals.groups[problems.group[row]] if totals.has_groups else "-",
        "difficulty": number(problems.difficulty[row]),
        "drawn": f"{int(problems.drawn[row]):,}",
        "first": number(problems.first[row]),
        "last": number(problems.last[row]),
        "utility": number(problems.utility[row] / problems.utilities[row]),
        "example": _example(record, offset, int(problems.example_slot[row])) if offset >= 0 else None,
    }


def _example(record: Path, offset: int, slot: int) -> dict[str, str]:
    example = read_example(record, offset, slot)
    return {**example, "reward": number(example["reward"])}
