"""Golden trajectories: what every bandit, method, filter and benchmark draws and learns, in one committed file.

They prove that a change of structure changes nothing else. An entry holds a digest of everything that was drawn, which
must be equal, and a weighted sum of every number that was reported, which must agree to a tolerance, since the last
digits of a network's numbers depend on the processor. Of an entry that is meant to change, say why in the changelog.

Compare with ``make golden``; write the file again with ``make golden ARGS=--write``.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import hashlib
import json
import math
import sys
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from curriculum_bandits import Curriculum, Feedback, ProblemBank, Rollouts, filters, methods, run, signals
from curriculum_bandits.environments import SkillStudent, SoftmaxStudent

FILE = Path(__file__).with_name("trajectories.json")
ROUNDS = 30
TOLERANCE = {"neural": 1e-3}  # of an entry's sum, relative; of all others:
EXACT = 1e-9


class Trace:
    """Digest of what was drawn and weighted sum of what was reported."""

    def __init__(self) -> None:
        self._drawn = hashlib.sha256()
        self._total, self._size, self._count = 0.0, 0.0, 0

    def drew(self, items: Any) -> None:
        """Add whole numbers or texts, which must be equal."""
        text = items if isinstance(items, str) else json.dumps(np.asarray(items).tolist())
        self._drawn.update(text.encode())

    def reported(self, numbers: Any) -> None:
        """Add real numbers, which must agree closely; None and nan count by their place."""
        values = np.ravel(np.asarray(math.nan if numbers is None else numbers, dtype=np.float64))
        weights = 1.5 + np.sin(self._count + np.arange(len(values)))
        finite = np.isfinite(values)
        self._total += float(np.sum(np.where(finite, values, 0.125) * weights))
        self._size += float(np.sum(np.abs(np.where(finite, values, 0.125)) * np.abs(weights)))
        self._count += len(values)

    def entry(self) -> dict[str, Any]:
        """The entry of the file."""
        return {"drawn": self._drawn.hexdigest()[:16], "sum": self._total, "size": self._size}


# Bandits: the list of the conformance tests, which a test of theirs holds complete.


def _answer_late(rounds: int, ask: Callable[[int], Any], tell: Callable[[int, Any], None]) -> None:
    """Ask every round; answer at once or one or two rounds later, in crossing order; never answer every eleventh."""
    waiting: deque[tuple[int, int, Any]] = deque()
    for t in range(rounds):
        if t % 11 != 10:
            waiting.append((t + (0, 2, 1)[t % 3], t, ask(t)))
        else:
            ask(t)
        for due, asked, what in [entry for entry in waiting if entry[0] <= t]:
            waiting.remove((due, asked, what))
            tell(asked, what)


def bandit_trajectory(make: Callable[..., Any], settings: Mapping[str, Any], runs: int | None) -> Trace:
    """Thirty rounds of a bandit with plays that go missing (of one run) and answers that come late."""
    bandit = make() if runs is None else make(runs=runs)
    rng, trace, plays = np.random.default_rng(5), Trace(), settings.get("plays", 1)
    lo, hi = settings.get("utility_range", (0.0, 1.0))

    def ask(t: int) -> Any:
        selection = bandit.select(plays, rng)
        trace.drew(selection.arms)
        trace.reported(selection.probability)
        trace.reported(selection.inclusion)
        return selection

    def tell(t: int, selection: Any) -> None:
        values = lo + (hi - lo) * (0.5 + 0.45 * np.sin(1.7 * selection.arms + t / 4))
        answered = np.ones(plays, dtype=bool)
        if runs is None and plays > 1:
            answered[t % plays] = t % 4 != 3
        counts = (1 + (np.arange(plays) + t) % 3)[answered]
        bandit.update(selection.answered(answered), values[..., answered], counts=counts)

    # A play that is never answered, or late, is nothing to a rule that takes one round after the other.
    _answer_late(ROUNDS, ask, tell)
    if hasattr(bandit, "probabilities"):
        trace.reported(bandit.probabilities())
    return trace


# Methods: with their defaults, and with settings that take another way through the code.

N = 48
PROMPTS = [f"{x} + {x * x % 17} =" for x in range(N)]
GROUPS = ["ab"[x % 2] if x < 32 else "c" for x in range(N)]
RATES = np.where(np.arange(N) < 36, 0.05, 0.6)
BANK = ProblemBank(
    PROMPTS,
    groups=GROUPS,
    difficulty=np.arange(N) // 6,
    features=np.column_stack([np.arange(N) // 6, np.arange(N) % 6]),
    columns={"weak_pass_rate": RATES * 0.8, "strong_pass_rate": RATES},
)
PLAIN = ProblemBank(PROMPTS)

METHODS: dict[str, Callable[[], Curriculum]] = {
    "uniform": lambda: methods.uniform(BANK),
    "osmd": lambda: methods.osmd(BANK),
    "osmd problems": lambda: methods.osmd(BANK, arms="problems", floor=0.02, share=0.01),
    "osmd absolute advantage": lambda: methods.osmd(BANK, signal=signals.absolute_advantage),
    "osmd bounded": lambda: methods.osmd(
        BANK, step=0.02, share=0.02, utility_range=(0, 1), signal=signals.success_rate
    ),
    "sec": lambda: methods.sec(BANK),
    "sec decay": lambda: methods.sec(BANK, temperature=0.2, unheard="decay"),
    "dump": lambda: methods.dump(BANK),
    "tscl": lambda: methods.tscl(BANK),
    "tscl window": lambda: methods.tscl(BANK, variant="window"),
    "graves": lambda: methods.graves(BANK),
    "e2h": lambda: methods.e2h(BANK, steps=50),
    "e2h gaussian": lambda: methods.e2h(BANK, steps=50, schedule="gaussian"),
    "mopps": lambda: methods.mopps(BANK),
    "bots": lambda: methods.bots(BANK),
    "learnability": lambda: methods.learnability(BANK),
    "sfl": lambda: methods.sfl(BANK),
    "informative": lambda: methods.informative(BANK),
    "spo": lambda: methods.spo(BANK),
    "procurl": lambda: methods.procurl(BANK),
    "adarft": lambda: methods.adarft(BANK),
    "difficulty_pools": lambda: methods.difficulty_pools(BANK),
    "plr": lambda: methods.plr(BANK),
    "ads": lambda: methods.ads(BANK, clusters=np.arange(N) // 6, width=4),
    "neural pcl": lambda: methods.pcl(BANK),
    "neural actor_curator": lambda: methods.actor_curator(BANK),
    "neural actor_curator text": lambda: methods.actor_curator(PLAIN),
    "neural actor_curator improvement": lambda: methods.actor_curator(BANK, signal=signals.policy_improvement),
}


def rollouts_of(items: Any, t: int, n: int = 4) -> Rollouts:
    """Rollouts that depend on problem and round alone; single rollouts are missing, and now and then whole problems."""
    rng = np.random.default_rng([t, *np.asarray(items).tolist()])
    shape = (len(items), n)
    rewards = (rng.random(shape) < ((np.asarray(items) % 8) / 8 + t / 60)[:, None] % 1.0).astype(float)
    rewards[rng.random(shape) < 0.05] = np.nan
    if t % 5 == 4:
        rewards[t % len(items)] = np.nan
    before = -8.0 + 0.3 * rng.standard_normal(shape)
    after = before + 0.05 * rng.standard_normal(shape)
    lengths = rng.integers(4, 20, shape).astype(float)
    return Rollouts(rewards, logprobs_before=before, logprobs_after=after, lengths=lengths)


def method_trajectory(make: Callable[[], Curriculum]) -> Trace:
    """Thirty rounds of a method."""
    curriculum, trace = make(), Trace()

    def ask(t: int) -> Any:
        draw = curriculum.ask(6)
        trace.drew(draw.items)
        trace.reported(draw.probability)
        trace.reported(draw.inclusion)
        if draw.candidates is not None:
            trace.drew(draw.candidates)
            trace.reported(draw.candidate_probability)
        return draw

    def tell(t: int, draw: Any) -> None:
        feedback = curriculum.signal(rollouts_of(draw.items, t))
        trace.reported(np.where(feedback.answered, feedback.values, 0.0))
        trace.drew(feedback.counts)
        curriculum.tell(draw, feedback)

    _answer_late(ROUNDS, ask, tell)
    trace.reported(curriculum.entropy())
    return trace


# Filters, between a curriculum and a learner that rolls out and updates apart.

FILTERS: dict[str, Callable[[], Any]] = {
    "dapo": filters.ZeroVarianceFilter,
    "speed": filters.Screening,
    "vcrl": filters.VarianceThreshold,
    "greso": filters.Greso,
    "lilo": filters.TopLearnability,
}


def filter_trajectory(make: Callable[[], Any], student: Any) -> Trace:
    """Thirty steps of `run` behind a filter."""
    trace = Trace()
    learner = student.half_hopeless(120, seed=3)
    curriculum = methods.osmd(learner.bank, seed=4, signal=signals.success_rate)
    rows = run(curriculum, learner, ROUNDS, 8, filter=make(), evaluate_every=10, progress=False)
    for row in rows:
        trace.drew([int(row["rollouts"]), int(row["tokens"])])
        trace.reported([value for name, value in sorted(row.items()) if "seconds" not in name and "filter" not in name])
    return trace


SIGNALS = {
    "absolute_advantage": signals.absolute_advantage,
    "mean_reward": signals.mean_reward,
    "policy_improvement": signals.policy_improvement,
    "reward_variance": signals.reward_variance,
    "success_rate": signals.success_rate,
    "success_rate_and_kl": signals.success_rate_and_kl,
    "tent": signals.tent,
}


def signal_trajectory(signal: Callable[[Rollouts], Feedback]) -> Trace:
    """A signal of thirty batches."""
    trace = Trace()
    for t in range(ROUNDS):
        feedback = signal(rollouts_of(np.arange(6) + t % 7, t))
        trace.drew(feedback.counts)
        trace.reported(np.where(feedback.answered, feedback.values, 0.0))
    return trace


# Benchmarks: a tiny run of each, and the numbers of its table.


def _numbers(trace: Trace, rows: Iterable[Mapping[str, str]], unstable: tuple[str, ...]) -> None:
    for row in rows:
        for name, cell in row.items():
            if any(word in name for word in unstable):
                continue
            with contextlib.suppress(ValueError):  # a name or a text, which may be written otherwise one day
                trace.reported(float(cell))


def _command(trace: Trace, words: list[str], table: str, unstable: tuple[str, ...] = ("second", "share")) -> Trace:
    from curriculum_bandits import cli

    with TemporaryDirectory() as folder:
        status = cli.main([*words, "--output", folder])
        if status != 0:
            raise RuntimeError(f"{' '.join(words)} ended with {status}")
        with open(Path(folder) / table, encoding="utf-8", newline="") as file:
            _numbers(trace, csv.DictReader(file), unstable)
    return trace


def compare_table() -> Trace:
    """Twelve steps of every kind of method on a student."""
    words = "compare --learners half-hopeless-skill drifting-softmax --problems 300 --seeds 0..1 --steps 12 --batch 8"
    words += " --evaluate-every 4 --jobs 1 --methods greedy_oracle osmd osmd(arms=problems) sec mopps plr adarft"
    return _command(Trace(), words.split(), "summary.csv", ("second", "overhead", "ask", "learn", "tell", "evaluate"))


def regret_table() -> Trace:
    """Every policy on one instance."""
    words = "regret --instances besson_1 --horizons 200 --policies all --runs 4 --checkpoints 10 --jobs 1"
    words += " --format csv"
    return _command(Trace(), words.split(), "summary.csv")


def agents_table() -> Trace:
    """Four steps of an agent on FrozenLake."""
    words = "compare --learners frozen-lake --problems 36 --seeds 0 --steps 4 --batch 4 --evaluate-every 2 --jobs 1"
    words += " --methods osmd sec"
    return _command(Trace(), words.split(), "summary.csv", ("second", "overhead", "ask", "learn", "tell", "evaluate"))


def _small_setting() -> Any:
    from curriculum_bandits.benchmarks.llm.setting import Setting
    from curriculum_bandits.benchmarks.llm.warm_up import WarmUp

    taught = {"shares": (1.0, 1.0, 1.0, 0.5, 0.25), "careless": ()}
    small = WarmUp(
        hidden=32, feed_forward=64, layers=1, heads=2, steps=3, batch_size=8, careless_steps=1, items=12, **taught
    )
    return Setting(
        "arithmetic",
        training=4,
        held_out=2,
        warm_up=small,
        problems=3,
        n_rollouts=2,
        max_completion=6,
        tokens=300,
        evaluations=3,
    )


def headline_table() -> Trace:
    """A few tokens of GRPO on a tiny decoder."""
    from curriculum_bandits.benchmarks.llm.headline import LlmWhere, run_headline

    trace = Trace()
    with TemporaryDirectory() as folder:
        place = Path(folder)
        methods_ = ["uniform", "sec", "actor_curator", "uniform+dapo(max_draws=4)", "sec+delayed(steps=2)"]
        where = LlmWhere(jobs=1, output=place, cache=place / "cache")
        run_headline([_small_setting()], methods_, [0], where, progress=False)
        with open(place / "summary.csv", encoding="utf-8", newline="") as file:
            _numbers(trace, csv.DictReader(file), ("second", "part", "overhead"))
    return trace


def demo_table() -> Trace:
    """The demo with a few tokens."""
    from curriculum_bandits.benchmarks.llm.demo import run_demo
    from curriculum_bandits.benchmarks.llm.headline import LlmWhere

    trace = Trace()
    with TemporaryDirectory() as folder:
        where = LlmWhere(jobs=1, output=Path(folder), cache=Path(folder) / "cache")
        comparison = run_demo(_small_setting(), 0, where, progress=False)
    for (result,) in comparison.results.values():
        trace.drew([result.step, result.tokens])
        for curve in (result.accuracy, *result.drawn.values(), result.informative, result.wasted):
            trace.reported(curve)
    return trace


def entries() -> dict[str, Callable[[], Trace]]:
    """Every entry by name."""
    import importlib.util

    place = Path(__file__).parents[1] / "testing" / "test_bandits.py"
    spec = importlib.util.spec_from_file_location("golden_bandits", place)
    assert spec is not None
    assert spec.loader is not None
    conformance = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = conformance
    spec.loader.exec_module(conformance)
    found: dict[str, Callable[[], Trace]] = {}
    for name, (make, settings) in conformance.OURS.items():
        for runs in (None, 2) if settings.get("vectorized", True) else (None,):
            label = f"bandit {name}" + ("" if runs is None else ", two runs")
            found[label] = lambda make=make, settings=settings, runs=runs: bandit_trajectory(make, settings, runs)
    for name, make in METHODS.items():
        kind = "neural" if name.startswith("neural ") else "method"
        found[f"{kind} {name.removeprefix('neural ')}"] = lambda make=make: method_trajectory(make)
    for name, make in FILTERS.items():
        for student in (SkillStudent, SoftmaxStudent):
            found[f"filter {name}, {student.__name__}"] = lambda make=make, student=student: filter_trajectory(
                make, student
            )
    for name, signal in SIGNALS.items():
        found[f"signal {name}"] = lambda signal=signal: signal_trajectory(signal)
    found["benchmark compare"] = compare_table
    found["benchmark regret"] = regret_table
    found["benchmark agents"] = agents_table
    found["benchmark headline"] = headline_table
    found["benchmark demo"] = demo_table
    return found


def differences(name: str, entry: Mapping[str, Any], stored: Mapping[str, Any] | None) -> list[str]:
    """How an entry differs from the stored one; nothing where it does not."""
    if stored is None:
        return [f"{name}: not in the file; write it with make golden ARGS=--write"]
    found = []
    if entry["drawn"] != stored["drawn"]:
        found.append(f"{name}: something else is drawn")
    tolerance = TOLERANCE.get(name.split()[0], EXACT)
    if abs(entry["sum"] - stored["sum"]) > tolerance * stored["size"]:
        found.append(f"{name}: its numbers sum to {entry['sum']!r}, stored is {stored['sum']!r}")
    return found


def main() -> int:
    """Compare with the committed file, or write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the file in the place of comparing with it")
    parser.add_argument("names", nargs="*", help="entries whose name contains one of these words; all by default")
    arguments = parser.parse_args()
    chosen = {
        name: make
        for name, make in entries().items()
        if not arguments.names or any(word in name for word in arguments.names)
    }
    stored = json.loads(FILE.read_text()) if FILE.exists() else {}
    made, wrong = {}, []
    for name, make in chosen.items():
        with contextlib.redirect_stdout(sys.stderr):
            made[name] = make().entry()
        wrong += differences(name, made[name], stored.get(name))
    if arguments.write:
        FILE.write_text(json.dumps({**stored, **made} if arguments.names else made, indent=1) + "\n")
        print(f"{len(made)} entries written")
        return 0
    print("\n".join(wrong) or f"{len(made)} entries are as stored")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
