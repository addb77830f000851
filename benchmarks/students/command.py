"""``curriculum-bandits compare``: curricula on the same learners, with the same problems, seeds and rollouts for all.

The command plays the runs that are not stored yet, and makes tables and figures of all it names. The same command goes
on where it was interrupted; one with more methods, seeds or learners does only what is new.
"""

from __future__ import annotations

import inspect
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from curriculum_bandits.extras import require_extras
from curriculum_bandits.methods.registry import FILTERS, declared

from ..harness.command import Where, command_words, run_command
from ..harness.figures import curves_figure, drawn_figure, measures_figure, overall_figure
from ..harness.outputs import Outputs
from ..harness.provenance import machine, made_on
from ..harness.statistics import RESAMPLES
from ..harness.trials import parse_seeds, seed_words, slug
from .entries import BASELINE, ORACLE, OWN, expanded, find_entry, groups
from .learners import LEARNERS, find_learner, learner_spelling
from .play import played, result_store, trials_of
from .report import LearnerRuns, overhead_share, texts
from .setting import Setting

__all__ = ["ComparePlace", "CompareSettings", "compare", "main"]

_NAME = "curriculum-bandits compare"
_EXAMPLES = """\
examples:
  curriculum-bandits compare                        the defaults: one student, headline methods, 20 seeds
  curriculum-bandits compare --learners drifting-skill --problems 100000 --methods osmd sec greedy_oracle
  curriculum-bandits compare --learners frozen-lake minigrid-rooms --methods osmd sec plr --seeds 0..4
  curriculum-bandits compare --methods rivals filters --rollouts 600000   what filters spend differs from step to step
  curriculum-bandits compare --methods my_module:my_curriculum --learners my_module:my_learner
The same command goes on where it was interrupted. Numbers depend on seeds and settings, never on --jobs."""

Figures = Literal["curves", "tokens", "measures", "drawn", "overall"]


@dataclass(frozen=True)
class CompareSettings:
    """Compare curricula on simulated students and small agents, by what each learns per rollout.

    Attributes:
        learners: Names (see --list), all, or package.module:function, called as function(problems, seed).
        methods: Names with settings and a filter as in 'sec(temperature=0.2)+dapo', words for several of them (see
            --list), or package.module:function, called as function(bank, seed=seed) for a curriculum, or a curriculum
            and a filter. Uniform is always among them; what only a word for several names is left out where it cannot
            be had.
        problems: Size of every bank; by default what each learner is meant for.
        seeds: Numbers, or ranges such as 0..4; equal seeds are equal banks and learners for all methods.
        steps: Updates of a learner; by default what it is meant for, with rollouts no limit.
        rollouts: A run ends after the first step at which so many were spent.
        batch: Problems per step; by default what each learner is meant for.
        evaluate_every: Steps between evaluations.
    """

    learners: tuple[str, ...] = ("half-hopeless-skill",)
    methods: tuple[str, ...] = ("headline",)
    problems: int | None = None
    seeds: tuple[int | str, ...] = ("0..19",)
    steps: int | None = None
    rollouts: int | None = None
    batch: int | None = None
    evaluate_every: int = 10

    def __post_init__(self) -> None:
        """Bring all to one spelling, and refuse what cannot work."""
        learners = LEARNERS if "all" in self.learners else map(learner_spelling, self.learners)
        object.__setattr__(self, "learners", tuple(learners))
        if self.methods and BASELINE not in expanded(self.methods):
            object.__setattr__(self, "methods", (BASELINE, *self.methods))
        object.__setattr__(self, "seeds", tuple(seed_words(parse_seeds(self.seeds))))
        for name in ("learners", "methods"):
            values = getattr(self, name)
            if not values or len(set(values)) < len(values):
                raise ValueError(f"{name} are {list(values)}; give at least one, and each once")
        for learner in self.learners:
            self.of(learner)
        for method in expanded(self.methods):
            find_entry(method)

    def of(self, learner: str) -> Setting:
        """What a learner is given.

        Args:
            learner: Its name.

        Returns:
            Its setting; what is not said is what it is meant for.
        """
        kind = find_learner(learner)
        return Setting(
            learner,
            problems=kind.problems if self.problems is None else self.problems,
            steps=kind.steps if self.steps is None and self.rollouts is None else self.steps,
            rollouts=self.rollouts,
            batch=kind.batch if self.batch is None else self.batch,
            evaluate_every=self.evaluate_every,
        )


@dataclass(frozen=True)
class ComparePlace(Where):
    """Who works, and what is written.

    Attributes:
        figures: Which to draw: curves over rollouts or over tokens, measures side by side, maps of what was drawn, and
            all learners together.
    """

    output: Path = Path("runs/compare")
    figures: tuple[Figures, ...] = ("curves", "tokens", "measures", "drawn", "overall")


def main(words: Sequence[str] | None = None) -> int:
    """Compare as the command line asks.

    Args:
        words: Options; None takes those of the process.

    Returns:
        Exit status.
    """
    needs = dict.fromkeys(("joblib", "matplotlib", "tabulate", "tyro"), "benchmarks")
    return run_command(
        _NAME, words, CompareSettings(), ComparePlace(), _act, needs=needs, listing=_listing, examples=_EXAMPLES
    )


def _act(settings: CompareSettings, place: ComparePlace) -> None:
    compare(settings, place)
    print((place.output / "summary.txt").read_text(encoding="utf-8"))
    print(f"tables, figures and runs: {place.output}")


def compare(settings: CompareSettings, place: ComparePlace, *, progress: bool = True) -> list[LearnerRuns]:
    """Play what is not stored yet, then write tables and figures of all that the settings name.

    Args:
        settings: What to compare.
        place: Who works, and what is written.
        progress: Show a progress bar.

    Returns:
        The runs of each learner.

    Raises:
        ValueError: If the output is a file, or a method that is named cannot be had with a learner.
        RuntimeError: If a run fails; what is done is stored.
        OSError: If the folder cannot be written to.
        ModuleNotFoundError: If something optional is missing; the message gives the pip command.
    """
    begin = time.perf_counter()
    require_extras({module: extra for name in settings.learners for module, extra in find_learner(name).needs.items()})
    outputs, store, seeds = (
        Outputs(place.output, asdict(settings)),
        result_store(place.results),
        parse_seeds(settings.seeds),
    )
    methods, left_out = _playable(settings, seeds[0])
    for learner, method, why in left_out:
        print(f"left out on {learner}: {method}, {why}", file=sys.stderr)
    trials = [trial for name in settings.learners for trial in trials_of(methods[name], settings.of(name), seeds)]
    results, count = played(trials, store, place, again=place.again, progress=progress)
    runs = []
    for learner in settings.learners:
        setting = settings.of(learner)
        by_method = {
            method: [results[trial] for trial in trials if (trial.entry, trial.setting) == (method, setting)]
            for method in methods[learner]
        }
        runs.append(LearnerRuns(setting, seeds, by_method))
    entries = dict.fromkeys(method for each in runs for method in each.results)
    about = {
        "command": command_words(_NAME, settings),
        "left_out": left_out,
        "overhead_share": overhead_share(runs),
        "runs": len(trials),
        "runs_done_by_this_command": count,
        "seconds": round(time.perf_counter() - begin, 1),
        "revisions": {
            **{name: find_learner(name).revision for name in settings.learners},
            **{name: find_entry(name).revision for name in entries},
        },
        **machine(("joblib", "torch", "gymnasium")),
    }
    outputs.write(texts(runs, _caption(runs, about)), _figures(runs, place.figures, _note(runs, about)), about=about)
    return runs


def _playable(settings: CompareSettings, seed: int) -> tuple[dict[str, list[str]], list[tuple[str, str, str]]]:
    """Methods of each learner, and who cannot be had there and why; tried now, not after hours of play."""
    several, left_out = groups(), []
    named = (BASELINE, *expanded(word for word in settings.methods if word not in several))
    methods: dict[str, list[str]] = {}
    for name in settings.learners:
        setting, methods[name] = settings.of(name), []
        learner = find_learner(name).make(setting.problems, seed)
        for method in expanded(settings.methods):
            try:
                find_entry(method).make(learner, setting, seed)
            except (ValueError, TypeError, ImportError) as error:
                if method in named:
                    raise ValueError(f"{method} cannot be had on {name}: {error}") from error
                left_out.append((name, method, str(error)))
            else:
                methods[name].append(method)
    return methods, left_out


def _figures(runs: Sequence[LearnerRuns], kinds: Sequence[str], note: str) -> dict[str, Callable[[], Any]]:
    def over_tokens(each: LearnerRuns) -> Any:
        shown, budget = each.over_tokens, find_learner(each.setting.learner).lengths
        return None if shown is None else curves_figure(shown, note, score="accuracy", budget=budget)

    def maps(each: LearnerRuns) -> Any:
        first, title = each.results[BASELINE][0], f"Drawn by rollouts: {each.title}"
        return drawn_figure(each.drawn(), first.parts, note, title=title, part=first.parts_title)

    draw: dict[str, Callable[[LearnerRuns], Any]] = {
        "curves": lambda each: curves_figure(each.comparison, note, score="accuracy", budget="rollouts"),
        "tokens": over_tokens,
        "measures": lambda each: measures_figure(each.comparison, note, score="accuracy", budget="rollouts"),
        "drawn": maps,
    }
    figures: dict[str, Callable[[], Any]] = {}
    for each in runs:
        for kind in (kind for kind in kinds if kind in draw):
            name = f"{kind}-{slug(each.setting.learner)}.png"
            figures[name] = lambda each=each, kind=kind: draw[kind](each)  # type: ignore[misc]
    if len(runs) > 1 and "overall" in kinds:
        figures["overall.png"] = lambda: overall_figure([each.comparison for each in runs], note, score="accuracy")
    return figures


def _budgets(runs: Sequence[LearnerRuns]) -> str:
    """Budgets of all learners, one after the other where they differ."""

    def budget(setting: Setting, spent: float) -> str:
        if setting.rollouts is None:
            return f"{setting.steps:,} steps of {setting.batch} problems, {spent:,.0f} rollouts of uniform"
        steps = "steps" if setting.steps is None else f"at most {setting.steps:,} steps"
        return f"{setting.rollouts:,} rollouts, in {steps} of {setting.batch} problems"

    return "; ".join(dict.fromkeys(budget(each.setting, each.comparison.axis[-1]) for each in runs))


def _note(runs: Sequence[LearnerRuns], about: Mapping[str, Any]) -> str:
    seeds = " ".join(seed_words(runs[0].seeds))
    return f"seeds {seeds}; {_budgets(runs)}; {made_on(about)}\n{about['command']}"


def _caption(runs: Sequence[LearnerRuns], about: Mapping[str, Any]) -> str:
    revised = [f"{name} {revision}" for name, revision in about["revisions"].items() if revision != 1]
    return "\n".join(
        [
            f"Budget: {_budgets(runs)}.",
            f"Seeds: {' '.join(seed_words(runs[0].seeds))}, paired: equal banks and learners for all.",
            *(f"Left out on {learner}: {method}, {why}" for learner, method, why in about["left_out"]),
            "Final accuracy: mean of the last three evaluations, interquartile mean over seeds. Target: uniform's",
            "mean over seeds. Speedup: uniform's rollouts over the method's, on isotonic fits of the mean curves.",
            "Oracle's gain: (method - uniform) / (oracle - uniform).",
            f"Brackets: 95 % bootstrap over paired seeds, {RESAMPLES:,} resamples.",
            "Seconds: medians over seeds. All columns: docs/methods/measured.md.",
            f"The comparison itself took {100 * about['overhead_share']:.1f} % of the learners' time.",
            made_on(about),
            "Revisions of learners and methods: " + ", ".join([*revised, "all others 1" if revised else "all 1"]),
            f"Command: {about['command']}",
        ]
    )


def _listing() -> str:
    def meant_for(name: str) -> str:
        kind = LEARNERS[name]
        return f"{kind.summary} ({kind.problems:,} problems, {kind.steps} steps of {kind.batch})"

    lines = []
    for title, summaries in (
        ("learners, and what they are meant for", {name: meant_for(name) for name in LEARNERS}),
        (
            f"methods (all are measured against {BASELINE}; {ORACLE} is the scale of what is possible)",
            {name: find_entry(name).summary for name in (*declared(), *OWN)},
        ),
        (
            "filters, behind a method and a plus sign",
            {name: (inspect.getdoc(each) or "").partition("\n")[0] for name, each in FILTERS.items()},
        ),
        ("words for several methods", {name: _some(names) for name, names in groups().items()}),
    ):
        width = max(len(name) for name in summaries)
        lines += [title, *(f"  {name:<{width}}  {summary}" for name, summary in summaries.items()), ""]
    return "\n".join(lines[:-1])


def _some(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 6 else f"{len(names)} methods, {names[0]} to {names[-1]}"


if __name__ == "__main__":
    sys.exit(main())
