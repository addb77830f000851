"""The table and the picture of the scale benchmark, with each aim beside what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from curriculum_bandits.plotting import COLORS, new_figure

from .timing import PARTS, RESAMPLES

__all__ = ["AIM_BYTES", "AIM_GROWTH", "AIM_MILLISECONDS", "aims", "scale_figure", "scale_table"]

#: Median of an ask and a tell together, at the largest bank.
AIM_MILLISECONDS = 10.0
#: That of the largest bank over that of the smallest.
AIM_GROWTH = 1.3
#: Memory per problem, mapped features apart; below this.
AIM_BYTES = 20.0


def aims(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each aim, what was measured, and whether it is met.

    Args:
        document: What ``results.json`` holds.

    Returns:
        Rows with ``aim``, ``measured`` and ``met``, which is None where nothing could be measured.
    """
    largest, ratio, per_problem = document["times"][-1], document["growth"]["both"], document["bytes_per_problem"]
    both = largest["both"]
    share = f"{ratio['ratio']:.2f} ({ratio['low']:.2f} to {ratio['high']:.2f})"
    return [
        {
            "aim": f"ask and tell together at {largest['problems']:,} problems: at most {AIM_MILLISECONDS:g} ms",
            "measured": f"median {both['median']:.2f} ms, p99 {both['p99']:.2f} ms",
            "met": both["median"] <= AIM_MILLISECONDS,
        },
        {
            "aim": f"growth of that from {document['growth']['from']:,} problems: at most {AIM_GROWTH:g} times",
            "measured": share,
            "met": ratio["ratio"] <= AIM_GROWTH,
        },
        {
            "aim": f"memory beyond the mapped features: below {AIM_BYTES:g} bytes per problem",
            "measured": "not measured" if per_problem is None else f"{per_problem:.1f} bytes",
            "met": None if per_problem is None else per_problem < AIM_BYTES,
        },
    ]


def scale_table(document: Mapping[str, Any]) -> str:
    """Everything as plain text.

    Args:
        document: What ``results.json`` holds.

    Returns:
        Lines of at most 110 characters.
    """
    settings, machine = document["settings"], document["machine"]
    lines = [
        "Milliseconds of one ask and tell of the neural curator",
        "",
        f"{'':>12}" + "".join(f"{part:^27}" for part in PARTS),
        f"{'problems':>12}" + "".join(f"{'median':>9}{'p90':>9}{'p99':>9}" for _ in PARTS),
    ]
    for row in document["times"]:
        cells = (f"{row[part][level]:>9.2f}" for part in PARTS for level in ("median", "p90", "p99"))
        lines.append(f"{row['problems']:>12,}" + "".join(cells))
    growth = document["growth"]
    lines += ["", f"{growth['to']:,} problems over {growth['from']:,}: ratio of medians, 95 % interval"]
    for part in PARTS:
        lines.append(
            f"{part:>12}{growth[part]['ratio']:>9.2f}  ({growth[part]['low']:.2f} to {growth[part]['high']:.2f})"
        )
    lines += ["", "The first rounds after the file of features was opened (in memory already, pages not yet mapped)"]
    lines += [f"{row['problems']:>12,}{row['first']['both']['median']:>9.2f}" for row in document["times"]]
    lines += ["", "Resident memory not backed by files, MiB above that before the curriculum was built"]
    lines.append(f"{'problems':>12}{'built':>9}{'played':>9}")
    for row in document["memory"]:
        known = row["before"] is not None
        more = [(row[when]["RssAnon"] - row["before"]["RssAnon"]) / 2**20 if known else None for when in _WHEN]
        lines.append(f"{row['problems']:>12,}" + "".join(f"{'-' if x is None else format(x, '.1f'):>9}" for x in more))
    lines += [""]
    for aim in aims(document):
        verdict = "NOT MEASURED" if aim["met"] is None else "met" if aim["met"] else "NOT MET"
        lines.append(f"{verdict}: {aim['aim']}")
        lines.append(f"     {aim['measured']}")
    hidden = " and ".join(map(str, settings["hidden"])) or "no"
    lines += [
        "",
        f"{settings['candidates']:,} candidates, {settings['batch']} problems a draw; a network with {hidden} hidden "
        f"units over {settings['columns']} float16",
        f"features, memory-mapped, in the page cache. {settings['rounds']} rounds of each bank, all banks in turn in "
        f"blocks of {settings['block']};",
        f"bootstrap over paired blocks, {RESAMPLES:,} resamples. Memory: each bank in a process of its own, "
        f"{settings['rounds']} rounds.",
        f"{machine['cores']} cores, {machine['cpu']}, {machine['system']}; torch threads: {settings['threads']}; "
        f"{document['date']}.",
        f"Command: {document['command']}",
    ]
    return "\n".join(lines)


_WHEN = ("built", "played")


def scale_figure(document: Mapping[str, Any]) -> Any:
    """Time against the size of the bank, on log scales, ask and tell apart.

    Args:
        document: What ``results.json`` holds.

    Returns:
        A matplotlib figure.
    """
    figure = new_figure(7.5, 5.2)
    axes = figure.subplots()
    sizes = [row["problems"] for row in document["times"]]
    for part, color in zip(PARTS, COLORS, strict=False):
        level = {name: [row[part][name] for row in document["times"]] for name in ("median", "p90", "p99")}
        label = {"both": "both together"}.get(part, part)
        axes.plot(sizes, level["median"], color=color, marker="o", linewidth=2, label=label)
        axes.fill_between(sizes, level["median"], level["p90"], color=color, alpha=0.15, linewidth=0)
        axes.plot(sizes, level["p99"], color=color, linewidth=1, linestyle=":")
    axes.axhline(AIM_MILLISECONDS, color="#888888", linewidth=1, linestyle="--")
    axes.annotate(
        f"aim for both: {AIM_MILLISECONDS:g} ms",
        (sizes[-1], AIM_MILLISECONDS),
        xytext=(0, 4),
        textcoords="offset points",
        ha="right",
        color="#555555",
    )
    times = [row[part][name] for row in document["times"] for part in PARTS for name in ("median", "p99")]
    axes.set(xscale="log", yscale="log", xlabel="problems in the bank", ylabel="milliseconds")
    axes.set_ylim(0.5 * min(times), 2 * max(*times, AIM_MILLISECONDS))
    axes.set_yticks([tick for tick in _TICKS if 0.5 * min(times) <= tick <= 2 * max(*times, AIM_MILLISECONDS)])
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.minorticks_off()
    settings = document["settings"]
    axes.set_title(
        f"Neural curator: {settings['batch']} drawn of {settings['candidates']:,} candidates, "
        f"{settings['columns']} features",
        fontsize=11,
    )
    axes.legend(frameon=False, loc="lower right", title="median; shaded to p90, dotted p99", ncols=3)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


_TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500)
