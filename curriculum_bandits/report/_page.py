"""The page: headline numbers, figures and tables, in one file that asks nothing of the network.

Everything that came from the run passes through Jinja2 with autoescaping on; the figures alone are trusted, because
they are drawn here. A content policy in the page forbids scripts and loads on top of that.
"""

from __future__ import annotations

import math
import os
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from curriculum_bandits._typing import IntArray
from curriculum_bandits.extras import require_extra
from curriculum_bandits.report._figures import figures_of, group_utility, main_metric, parts_of_a_step
from curriculum_bandits.report._reading import RecordedRun, find_record, read_example, read_record
from curriculum_bandits.report._text import compact, duration, number, percent, visible

__all__ = ["write_report"]


_MOST_PROBLEMS = 10  # in either table
_PRIOR_DRAWS = 4.0
_MOST_GROUPS = 300  # in their table


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
    page = _page_of(read_record(record), record)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_text(page, encoding="utf-8")
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def _page_of(run: RecordedRun, record: Path) -> str:
    jinja2 = require_extra("jinja2", "report")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"visible": visible}
    template = resources.files("curriculum_bandits.report").joinpath("page.html").read_text(encoding="utf-8")
    page = environment.from_string(template).render(
        method=run.method,
        settings=", ".join(f"{name}={value}" for name, value in run.settings.items()),
        summary=_summary(run),
        headlines=headlines(run),
        notes=_notes(run),
        figures=figures_of(run),
        groups=_groups(run),
        times=_times(run),
        problems=_problems(run, record),
        version=version("curriculum-bandits"),
    )
    # What UTF-8 cannot hold was made visible where people read it; a stray one elsewhere must not stop the page.
    return str(page).encode("utf-8", "replace").decode("utf-8")


def headlines(run: RecordedRun) -> list[dict[str, str]]:
    """The numbers at the top that the record has: name, value, and a note."""
    found = []

    def add(name: str, value: str, note: str = "") -> None:
        found.append({"name": name, "value": value, "note": note})

    if run.last_step >= 0:
        add("steps", f"{run.last_step:,}")
    if math.isfinite(run.tokens):
        add("tokens", compact(run.tokens), "prompts and completions")
    seconds, timed = float(run.seconds["step"].sum()), np.count_nonzero(run.seconds["step"])
    if seconds > 0:
        add("wall-clock", duration(seconds), f"in steps, {seconds / timed:.3g} s each")
    metric = main_metric(run.evaluations)
    if metric is not None:
        measured = [one for one in run.evaluations if metric in one.metrics]
        best = max(measured, key=lambda one: one.metrics[metric])
        add(f"last {metric}", f"{measured[-1].metrics[metric]:.3f}", "held-out")
        add(f"best {metric}", f"{best.metrics[metric]:.3f}", f"at step {best.step:,}")
    informative, tokens, judged = run.drawn["informative"], run.drawn["tokens"], np.isfinite(run.drawn["reward"])
    if np.any(judged):
        add("informative", percent(float(np.mean(informative[judged]))), "of problems drawn: rewards differ")
    if np.nansum(tokens) > 0:
        wasted = float(np.nansum(tokens[~informative]) / np.nansum(tokens))
        add("wasted", percent(wasted), "of completion tokens: rewards equal")
    if len(judged):
        of = f"of {run.bank_size:,} in the bank" if run.bank_size else "different ones"
        add("problems met", f"{len(run.problems):,}", of)
        rejected = float(np.mean(~run.drawn["trained"]))
        if rejected:
            add("rejected", percent(rejected), "of problems drawn, by a filter")
    parts = parts_of_a_step(run)
    if len(parts) > 1:
        spent = {name: float(part.sum()) / seconds for name, part in parts.items()}
        own = sum(share for name, share in spent.items() if name not in ("rest", "rescore"))
        note = f"of time, and {percent(spent['rescore'])} re-scoring" if spent.get("rescore") else "of time"
        add("overhead", percent(own), note)
    return found


def _summary(run: RecordedRun) -> str:
    words = [
        f"a bank of {run.bank_size:,} problems" if run.bank_size else "",
        f"{len(run.groups):,} {'group' if len(run.groups) == 1 else 'groups'}" if run.has_groups else "",
        f"{run.n_rollouts:,} rollouts per problem" if run.n_rollouts else "",
        f"{run.draw_lines:,} {'draw' if run.draw_lines == 1 else 'draws'}",
    ]
    return ", ".join(filter(None, words))


def _notes(run: RecordedRun) -> list[str]:
    notes = []
    if run.last_step < 0:
        notes.append("Nothing has happened yet: the record has its first line only.")
    if run.draws < run.draw_lines:
        notes.append(
            f"The record is large: {run.draws:,} of its {run.draw_lines:,} draws were read, chosen at random. "
            "Shares and means are estimated from them; counts of problems are of what was read. Steps, times, tokens, "
            "evaluations and regret are complete."
        )
    if run.broken_lines:
        lines = "One line" if run.broken_lines == 1 else f"{run.broken_lines:,} lines"
        notes.append(
            f"{lines} of the record could not be read, and left out; the last one is cut short while a run goes on or "
            "after it was killed."
        )
    return notes


def _groups(run: RecordedRun) -> list[dict[str, str]]:
    if not run.has_groups:
        return []
    rewards = run.drawn["reward"]
    judged = np.isfinite(rewards)
    drawn, known = run.by_group(1.0), run.by_group(judged)
    reward, informative = (
        np.where(known > 0, run.by_group(values) / np.maximum(known, 1), math.nan)
        for values in (rewards, run.drawn["informative"] & judged)
    )
    utility, half_width = group_utility(run)
    return [
        {
            "name": run.groups[index],
            "drawn": f"{int(drawn[index]):,}",
            "share": percent(drawn[index] / drawn.sum()),
            "reward": number(reward[index]),
            "informative": percent(informative[index]),
            "utility": number(utility[index]),
            "interval": f"± {half_width[index]:.2g}" if math.isfinite(half_width[index]) else "-",
        }
        for index in np.sort(np.argsort(-drawn, kind="stable")[:_MOST_GROUPS])
    ]


def _times(run: RecordedRun) -> list[dict[str, str]]:
    parts, steps = parts_of_a_step(run), run.seconds["step"]
    whole, timed = float(steps.sum()), int(np.count_nonzero(steps))
    return [
        {"part": name, "total": duration(spent), "share": percent(spent / whole), "each": f"{each:,.1f} ms"}
        for name, part in ({**parts, "whole step": steps} if parts else {}).items()
        for spent, each in [(float(part.sum()), 1000 * float(part.sum()) / timed)]
    ]


def _problems(run: RecordedRun, record: Path) -> list[dict[str, Any]]:
    """The problems that taught most and least, each with an example."""
    most, least = most_and_least(run, _MOST_PROBLEMS)
    known = np.isfinite(run.drawn["utility"])
    count, total, drawn = (run.by_problem(values) for values in (known, run.drawn["utility"], 1.0))

    def described(number_of: int) -> dict[str, Any]:
        here = run.drawn["problem"] == number_of
        row = int(np.argmax(here))
        rewards = run.drawn["reward"][here & np.isfinite(run.drawn["reward"])]
        example = None
        if number_of in run.examples:
            example = read_example(record, *run.examples[number_of])
            example["reward"] = number(example["reward"])
        return {
            "id": run.problems[number_of],
            "group": run.groups[run.drawn["group"][row]] if run.drawn["group"][row] >= 0 else "-",
            "difficulty": number(run.drawn["difficulty"][row]),
            "drawn": f"{int(drawn[number_of]):,}",
            "first": number(rewards[0] if len(rewards) else math.nan),
            "last": number(rewards[-1] if len(rewards) else math.nan),
            "utility": number(total[number_of] / count[number_of]),
            "example": example,
        }

    return [
        {"title": title, "rows": [described(int(problem)) for problem in problems]}
        for title, problems in (("taught most", most), ("taught least", least))
        if len(problems)
    ]


def most_and_least(run: RecordedRun, count: int) -> tuple[IntArray, IntArray]:
    """The problems that taught most and least, by mean utility: numbers of at most `count` each, no problem in both.

    A mean of few draws is mostly luck, so each is pulled towards the mean of all draws, as if the problem had been
    drawn four more times with that utility.
    """
    counts, totals = run.by_problem(np.isfinite(run.drawn["utility"])), run.by_problem(run.drawn["utility"])
    known = np.flatnonzero(counts)
    mean = totals.sum() / max(counts.sum(), 1)
    pulled = (totals[known] + _PRIOR_DRAWS * mean) / (counts[known] + _PRIOR_DRAWS)
    order = known[np.argsort(-pulled, kind="stable")]
    most = order[: min(count, (len(order) + 1) // 2)]
    least = order[::-1][: min(count, len(order) - len(most))]
    return most, least
