"""``curriculum-bandits regret``: policies on non-stationary bandits with known means, and what they regret.

The command plays the trials that are not stored yet, and makes the tables and figures of all of them. The same command
goes on where it was interrupted; a changed one does only what is new.
"""

from __future__ import annotations

import inspect
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from tqdm.auto import tqdm

from curriculum_bandits.environments import Environment, piecewise_stationary

from ..harness.command import Where, check_least, command_words, run_command
from ..harness.figures import line_styles
from ..harness.outputs import Outputs
from ..harness.play import play_trials
from ..harness.provenance import machine
from ..harness.store import Store
from ..harness.trials import Trial, parse_seeds, slug
from .collect import Group, groups
from .figures import arms_figure, bounds_figure, family_figure, growth_figure, regret_figure
from .instances import FAMILIES, Instance, parse_instances
from .play import Place, Result, Work, places, play_work, read_result
from .policies import POLICIES, Choice, Policy, parse_policies
from .tables import Tables, summary_page

__all__ = ["DEFAULT_POLICIES", "RegretSettings", "RegretWhere", "main", "run_regret"]

#: Policies of a command that names none.
DEFAULT_POLICIES = ("uniform", "oracle", "exp3", "tsallis_inf", "osmd", "rexp3", "exp3_s", "fixed_share")

_NAME = "curriculum-bandits regret"
_EXAMPLES = """\
examples:
  curriculum-bandits regret                             the defaults: Besson's first problem, 100 runs
  curriculum-bandits regret --instances besson_1 'besbes_sinusoid(variation=5)' --policies all --runs 1000
  curriculum-bandits regret --policies oracle exp3_s 'osmd(share=0.01, step=0.1)' my_module:my_policy
  curriculum-bandits regret --instances 'random_abrupt(n_arms=5, changes=4, seed=range(200))' --runs 20 --checkpoints 20
  curriculum-bandits regret --instances besson_1 --horizons 1000 3162 10000 31623       growth with the horizon
  curriculum-bandits regret --instances means.csv my_module:my_instance
  curriculum-bandits regret --backend dask --scheduler tcp://ADDRESS:8786               on a cluster

The same command goes on where it was interrupted. Numbers depend on --seeds, --runs, --plays and --block, never on
workers."""


@dataclass(frozen=True)
class RegretSettings:
    """Policies on non-stationary bandits with known means.

    Attributes:
        instances: Names with settings (see --list), .npy or .csv files of means (a row per round, a column per arm), or
            package.module:function returning an Environment; 'name(seed=range(200))' makes a family.
        policies: Names with settings (see --list), all (that can play here), or package.module:function, called as
            function(environment, runs).
        horizons: Rounds, for instances that can have any number; several draw the growth of regret.
        runs: Runs of each policy on each instance with each seed.
        seeds: Of rewards and draws; equal seeds mean equal rewards for all policies.
        plays: Plays a round.
        block: Runs that are played side by side, as one trial; numbers depend on it, and more runs use only whole
            blocks again.
        checkpoints: Rounds at which regret is kept; for large families 20 are enough.
    """

    instances: tuple[str, ...] = ("besson_1",)
    policies: tuple[str, ...] = DEFAULT_POLICIES
    horizons: tuple[int, ...] = ()
    runs: int = 100
    seeds: tuple[int | str, ...] = (0,)
    plays: int = 1
    block: int = 100
    checkpoints: int = 200

    def __post_init__(self) -> None:
        """Refuse numbers that cannot work."""
        check_least(self, dict.fromkeys(("runs", "plays", "block", "checkpoints"), 1))
        for horizon in self.horizons:
            if horizon < 1:
                raise ValueError(f"one of horizons is {horizon}; it must be at least 1")
        if len(set(self.horizons)) < len(self.horizons):
            raise ValueError(f"horizons {self.horizons} has a number twice; give each once")
        for name in ("instances", "policies"):
            if not getattr(self, name):
                raise ValueError(f"{name} is empty; give at least one")
        object.__setattr__(self, "seeds", parse_seeds(self.seeds))


@dataclass(frozen=True)
class RegretWhere(Where):
    """Who works, and what is written.

    Attributes:
        format: Of the tables of runs and curves.
    """

    output: Path = Path("runs/regret")
    format: Literal["parquet", "csv"] = "parquet"


def main(words: Sequence[str]) -> int:
    """Run the benchmark as the command line asks.

    Args:
        words: The options.

    Returns:
        The exit status.
    """
    needs = dict.fromkeys(("joblib", "matplotlib", "pandas", "pyarrow", "tabulate", "tyro"), "benchmarks")

    def act(settings: RegretSettings, where: RegretWhere) -> None:
        run_regret(settings, where)

    return run_command(
        _NAME, words, RegretSettings(), RegretWhere(), act, needs=needs, listing=_listing, examples=_EXAMPLES
    )


def run_regret(settings: RegretSettings, where: RegretWhere, *, progress: bool = True) -> Tables:
    """Do what is not stored yet, then write tables and figures of all of it.

    Policies that the word ``all`` alone names are left out where they cannot play, which is said on stderr and kept in
    ``settings.json``.

    Args:
        settings: What to do.
        where: Workers and folders.
        progress: Show a progress bar, and say at the end what was written.

    Returns:
        The tables.

    Raises:
        ValueError: If an instance, a policy or a number makes no sense; nothing is written then.
        RuntimeError: If a policy fails later than in its first round; what is done is stored.
        OSError: If the folder cannot be written to.
        ModuleNotFoundError: If something optional is missing; the message gives the pip command.
    """
    begin = time.perf_counter()
    instances, choices = parse_instances(settings.instances, settings.horizons), parse_policies(settings.policies)
    named = {choice.label for choice in parse_policies([word for word in settings.policies if word != "all"])}
    left_out = _try_out(instances, choices, settings.plays, named)
    choices = [choice for choice in choices if choice.label not in left_out]
    for label, reason in left_out.items():
        print(f"left out: {label}, {reason}", file=sys.stderr)
    if not choices:
        raise ValueError("no policy can play every instance; change --plays or the instances")
    outputs = Outputs(where.output, {**_described(settings, instances, choices), "format": where.format})
    every = list(
        places(
            instances,
            choices,
            seeds=parse_seeds(settings.seeds),
            runs=settings.runs,
            block=settings.block,
            plays=settings.plays,
            checkpoints=settings.checkpoints,
        )
    )
    store = Store[Result](where.results, read_result)
    played = play_trials(
        [trial for place in every for trial in place.trials],
        play_work,
        store,
        where,
        piece=_handed_out(every),
        again=where.again,
        progress=progress,
        unit="trial",
    )
    tables, pictures = Tables(), dict[str, Callable[[], Any]]()
    styles = line_styles([choice.label for choice in choices])
    with tqdm(desc="tables", unit="instance", disable=not progress, leave=False) as bar:
        for group in groups(every, store.load):
            tables.add(group)
            if group.instance.family is None:
                pictures |= _pictures(group, styles)
            bar.update()
    pictures |= _overviews(tables, styles)
    _write(
        outputs,
        tables,
        pictures,
        where.format,
        {
            "policies_left_out": left_out,
            "trials_played_by_this_command": played,
            "seconds": round(time.perf_counter() - begin, 1),
            "command": command_words(_NAME, settings),
            **machine(("joblib", "pandas", "matplotlib", "pyarrow")),
        },
    )
    if progress:
        print(_closing(tables, where.output))
    return tables


def _handed_out(every: Sequence[Place]) -> Callable[[Trial], Work]:
    """What a worker gets for a trial; trials of one instance, which stand together, share its means."""
    of = {trial: place for place in every for trial in place.trials}
    made: list[tuple[Instance, Environment]] = []

    def work(trial: Trial) -> Work:
        place = of[trial]
        if not made or made[0][0] is not place.instance:
            made[:] = [(place.instance, place.instance.environment())]
        return place.work(trial, made[0][1])

    return work


def _try_out(instances: Sequence[Instance], choices: Sequence[Choice], plays: int, named: set[str]) -> dict[str, str]:
    """Let every policy play a round of every kind of instance, so that what fails is said before hours of play.

    Returns:
        Why a policy cannot play, by label, of those that are not named by the user.
    """
    seen: set[tuple[str | None, int]] = set()
    left_out: dict[str, str] = {}
    for instance in instances:
        if instance.family is not None and (instance.family, instance.horizon) in seen:
            continue  # its siblings differ by the seed
        seen.add((instance.family, instance.horizon))
        environment = instance.environment()
        for choice in choices:
            try:
                _play_a_round(choice, environment, plays)
            except Exception as error:
                if choice.head in POLICIES and not isinstance(error, (ValueError, TypeError)):
                    raise  # a fault of this package, to be seen whole
                if choice.label not in named:
                    left_out.setdefault(choice.label, f"on {instance.label}: {_reason(error)}")
                    continue
                what = _one_line(error)
                if choice.head in POLICIES and _plays_elsewhere(choice):
                    what = (
                        f"{_reason(error)}; leave the policy out, or give fewer --plays or an instance with more arms "
                        "or rounds"
                    )
                raise ValueError(f"policy {choice.label} on {instance.label}: {what}") from error
    return left_out


def _play_a_round(choice: Choice, environment: Environment, plays: int, runs: int = 2) -> None:
    """Make a policy for some runs, play one round, and check what can be seen by it."""
    settings, rng = dict(choice.settings), np.random.default_rng(0)
    bandit = choice.policy.bandit(environment, runs, plays=plays, settings=settings)
    if not (callable(getattr(bandit, "select", None)) and callable(getattr(bandit, "update", None))):
        raise ValueError(f"it made a {type(bandit).__name__}; return a bandit, with select and update")
    if bandit.n_arms != environment.n_arms:
        raise ValueError(f"its bandit has {bandit.n_arms} arms, the instance {environment.n_arms}; make them equal")
    selection = bandit.select(plays, rng)
    arms = np.asarray(selection.arms)
    if arms.shape != (runs, plays):
        raise ValueError(
            f"for {runs} runs and {plays} plays a round it played arms of shape {arms.shape}; make a bandit of so many "
            "runs, and play arms of shape (runs, plays)"
        )
    if arms.dtype.kind not in "iu" or np.any((arms < 0) | (arms >= environment.n_arms)):
        raise ValueError(f"it played arms {arms.tolist()}; give whole numbers from 0 to {environment.n_arms - 1}")
    rewards = replace(environment, means=environment.means[:1]).rewards(rng, runs=runs)[:, 0]
    bandit.update(selection, np.take_along_axis(rewards, arms, axis=1))
    choice.policy.theorem(environment, plays=plays, settings=settings)


def _plays_elsewhere(choice: Choice) -> bool:
    """Whether a policy plays an instance that has all that any policy asks for: its settings are not at fault then."""
    try:
        _play_a_round(choice, piecewise_stationary([[0.2, 0.5, 0.8], [0.8, 0.5, 0.2]], 1000), plays=1)
    except (ValueError, TypeError):
        return False
    return True


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if isinstance(error, (ValueError, RuntimeError, OSError)) else f"{type(error).__name__}: {text}"


def _reason(error: Exception) -> str:
    """What was wrong, without the remedy, which is meant for Python and not for the command line."""
    return _one_line(error).partition("; ")[0]


def _pictures(group: Group, styles: Any) -> dict[str, Callable[[], Any]]:
    name = f"{slug(group.instance.label)}-T{group.instance.horizon}"
    return {
        f"regret-{name}.png": partial(regret_figure, group, styles),
        f"bounds-{name}.png": partial(bounds_figure, group, styles),
        f"arms-{name}.png": partial(arms_figure, group),
    }


def _overviews(tables: Tables, styles: Any) -> dict[str, Callable[[], Any]]:
    drawn: dict[str, Callable[[], Any]] = {}
    families, summary, growth = tables.families(), tables.summary(), tables.growth()
    for (family, horizon), rows in families.groupby(["family", "horizon"], sort=False) if len(families) else ():
        of_family = summary[(summary["family"] == family) & (summary["horizon"] == horizon)]
        name = f"family-{slug(family)}-T{horizon}.png"
        drawn[name] = partial(family_figure, family, horizon, of_family, rows, styles)
    if len(growth):
        observations = tables.growth_observations()
        for subject, rows in growth.groupby("instance", sort=False):
            runs = observations[observations["subject"] == subject]
            drawn[f"growth-{slug(subject)}.png"] = partial(growth_figure, subject, runs, rows, styles)
    return drawn


def _write(
    outputs: Outputs, tables: Tables, pictures: dict[str, Callable[[], Any]], format: str, about: dict[str, Any]
) -> None:
    found = {f"runs.{format}": tables.runs(), f"curves.{format}": tables.curves(), "summary.csv": tables.summary()}
    for name, table in (("families", tables.families()), ("growth", tables.growth())):
        if len(table):
            found[f"{name}.csv"] = table
    outputs.write({"summary.md": summary_page(tables)}, pictures, about=about, tables=found)


def _described(settings: RegretSettings, instances: Sequence[Instance], choices: Sequence[Choice]) -> dict[str, Any]:
    """Everything resolved, so that nobody has to know today's defaults."""
    return {
        "instances": [
            {
                "instance": instance.label,
                "family": instance.family,
                "horizon": instance.horizon,
                "digest_of_means_and_noise": instance.digest,
            }
            for instance in instances
        ],
        "policies": [
            {
                "policy": choice.label,
                "name": choice.head,
                "settings": dict(choice.settings),
                "knows": choice.knows,
                "revision": choice.revision,
            }
            for choice in choices
        ],
        **{name: getattr(settings, name) for name in ("runs", "seeds", "plays", "block", "checkpoints")},
    }


def _closing(tables: Tables, output: Path) -> str:
    families, summary = tables.families(), tables.summary()
    lines = []
    for subject, rows in (("family", families), ("instance", summary[summary["family"].isna()])):
        for (name, horizon), some in rows.groupby([subject, "horizon"], sort=False) if len(rows) else ():
            lines.append(f"\n{name}, {horizon:,} rounds: dynamic regret [95 %]")
            width = max(len(policy) for policy in some["policy"])
            for row in some.itertuples():
                interval = "" if np.isnan(row.lower) else f"  [{row.lower:.1f}, {row.upper:.1f}]"
                lines.append(f"  {row.policy:<{width}}  {row.dynamic_regret:>10.1f}{interval}")
    return "\n".join([*lines, "", f"tables and figures: {output}, begin with {output / 'summary.md'}"])


def _listing() -> str:
    lines = ["instances, as name(setting=value); any also takes noise=bernoulli, gaussian or deterministic"]
    width = max(len(name) for name in FAMILIES)
    for name, kind in FAMILIES.items():
        lines.append(f"  {name:<{width}}  {kind.summary}")
        settings = _signature(kind.make, ("noise",), kind.defaults)
        if settings:
            lines.append(f"  {'':<{width}}    {settings}")
    lines += ["", "policies"]
    width = max(len(name) for name in POLICIES)
    knows = max(len(policy.knows) for policy in POLICIES.values())
    lines.append(f"  {'':<{width}}  {'is told':<{knows}}")
    for name, policy in POLICIES.items():
        settings = _signature(policy.make, ("environment", "runs", "plays"), _told(policy))
        lines.append(f"  {name:<{width}}  {policy.knows:<{knows}}  {policy.summary}")
        if settings:
            lines.append(f"  {'':<{width}}  {'':<{knows}}    {settings}")
    return "\n".join(lines)


def _told(policy: Policy) -> dict[str, str]:
    """Settings that are read off the instance unless they are given."""
    return dict.fromkeys(policy.knows.split(", "), "from the instance")


def _signature(function: Any, given: Sequence[str], defaults: Any) -> str:
    """Settings with their defaults, as they are written on the command line."""
    words = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name not in given:
            default = defaults.get(parameter.name, parameter.default)
            words.append(f"{parameter.name}={default}")
    return ", ".join(words)
