"""``curriculum-bandits regret``: policies on non-stationary bandits with known means, and what they regret.

The command plans tasks, carries out those that are not stored yet, and makes the tables and figures of all of them. The
same command goes on where it was interrupted; a changed one does only what is new.
"""

from __future__ import annotations

import argparse
import inspect
import json
import os
import platform
import re
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from curriculum_bandits.environments import Environment, piecewise_stationary
from curriculum_bandits.extras import require_extra

from ..pictures import save_picture
from .collect import Group, groups
from .figures import arms_figure, bounds_figure, family_figure, growth_figure, line_styles, regret_figure
from .instances import FAMILIES, Instance, parse_instances
from .policies import POLICIES, Choice, Policy, parse_policies
from .store import Store
from .tables import Tables, summary_page, write_table
from .task import Task, plan
from .workers import finished

__all__ = ["DEFAULT_POLICIES", "RegretSettings", "add_arguments", "main", "run_regret"]

#: Policies of a command that names none.
DEFAULT_POLICIES = ("uniform", "oracle", "exp3", "tsallis_inf", "osmd", "rexp3", "exp3_s", "fixed_share")

_EXAMPLES = """\
examples:
  %(prog)s                                              the defaults: Besson's first problem, 100 runs
  %(prog)s --instances besson_1 'besbes_sinusoid(variation=5)' --policies all --runs 1000
  %(prog)s --policies oracle exp3_s 'osmd(share=0.01, step=0.1)' my_module:my_policy
  %(prog)s --instances 'random_abrupt(n_arms=5, changes=4, seed=range(200))' --runs 20 --checkpoints 20
  %(prog)s --instances besson_1 --horizons 1000 3162 10000 31623       growth with the horizon
  %(prog)s --instances means.csv my_module:my_instance
  %(prog)s --backend dask --scheduler tcp://ADDRESS:8786               on a cluster

The same command goes on where it was interrupted. Numbers depend on --seeds, --runs, --plays and
--block, never on workers.
"""


@dataclass(frozen=True)
class RegretSettings:
    """What makes one benchmark; where and how fast it is done belongs to `run_regret`.

    Attributes:
        instances: Words that `parse_instances` understands.
        policies: Words that `parse_policies` understands.
        horizons: Rounds of instances that can have any number; empty leaves the defaults.
        runs: Runs of each policy on each instance with each seed.
        seeds: Seeds of rewards and draws; equal seeds mean equal rewards for all policies.
        plays: Plays a round.
        block: Runs that are played side by side, as one task.
        checkpoints: At how many rounds regret is kept.
    """

    instances: tuple[str, ...] = ("besson_1",)
    policies: tuple[str, ...] = DEFAULT_POLICIES
    horizons: tuple[int, ...] = ()
    runs: int = 100
    seeds: tuple[int, ...] = (0,)
    plays: int = 1
    block: int = 100
    checkpoints: int = 200

    def __post_init__(self) -> None:
        """Refuse numbers that cannot work."""
        for name in ("runs", "plays", "block", "checkpoints"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")
        for name, least in (("horizons", 1), ("seeds", 0)):
            for value in getattr(self, name):
                if value < least:
                    raise ValueError(f"one of {name} is {value}; it must be at least {least}")
            if len(set(getattr(self, name))) < len(getattr(self, name)):
                raise ValueError(f"{name} {getattr(self, name)} has a number twice; give each once")
        for name in ("instances", "policies", "seeds"):
            if not getattr(self, name):
                raise ValueError(f"{name} is empty; give at least one")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the benchmark.

    Args:
        parser: The parser of the subcommand.
    """
    defaults = RegretSettings()
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EXAMPLES
    what = parser.add_argument_group("what is played")
    what.add_argument(
        "--instances",
        nargs="+",
        metavar="INSTANCE",
        default=defaults.instances,
        help="names with settings (see --list), .npy or .csv files of means (a row per round, a column per arm), or "
        "package.module:function returning an Environment; 'name(seed=range(200))' makes a family "
        f"(default: {' '.join(defaults.instances)})",
    )
    what.add_argument(
        "--policies",
        nargs="+",
        metavar="POLICY",
        default=defaults.policies,
        help="names with settings (see --list), all (that can play here), or package.module:function, called as "
        "function(environment, runs) "
        f"(default: {' '.join(defaults.policies)})",
    )
    what.add_argument(
        "--list", action="store_true", help="list instances and policies, and what each is told; then end"
    )
    size = parser.add_argument_group("how much")
    size.add_argument(
        "--horizon",
        "--horizons",
        dest="horizons",
        nargs="+",
        type=int,
        metavar="T",
        default=defaults.horizons,
        help="rounds, for instances that can have any number; several draw the growth of regret (default: their own)",
    )
    for name, text in (
        ("runs", "runs of each policy on each instance with each seed"),
        ("plays", "plays a round"),
        (
            "block",
            "runs played side by side, as one task; numbers depend on it, and more runs use only whole blocks again",
        ),
        ("checkpoints", "rounds at which regret is kept; for large families 20 are enough"),
    ):
        default = getattr(defaults, name)
        size.add_argument(f"--{name}", type=int, default=default, metavar="N", help=f"{text} (default: {default})")
    size.add_argument(
        "--seeds", nargs="+", type=int, default=defaults.seeds, metavar="SEED", help="of rewards and draws (default: 0)"
    )
    where = parser.add_argument_group("where it runs")
    where.add_argument("--jobs", type=int, default=-1, metavar="N", help="workers (default: all cores)")
    where.add_argument(
        "--backend",
        default=None,
        help="joblib backend: loky (processes), threading, dask, ray (default: loky; with a scheduler dask)",
    )
    where.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask cluster; without one Dask starts workers here")
    out = parser.add_argument_group("what is written")
    out.add_argument("--output", type=Path, default=Path("runs/regret"), help="folder (default: runs/regret)")
    out.add_argument(
        "--format",
        choices=("parquet", "csv"),
        default="parquet",
        help="of the tables of runs and curves (default: parquet)",
    )


def main(arguments: argparse.Namespace) -> None:
    """Run the benchmark as the command line asks.

    Args:
        arguments: Parsed options.
    """
    if arguments.list:
        print(_listing())
        return
    try:
        settings = RegretSettings(
            instances=tuple(arguments.instances),
            policies=tuple(arguments.policies),
            horizons=tuple(arguments.horizons),
            runs=arguments.runs,
            seeds=tuple(arguments.seeds),
            plays=arguments.plays,
            block=arguments.block,
            checkpoints=arguments.checkpoints,
        )
        run_regret(
            settings,
            output=arguments.output,
            jobs=arguments.jobs,
            backend=arguments.backend or ("loky" if arguments.scheduler is None else "dask"),
            scheduler=arguments.scheduler,
            table_format=arguments.format,
        )
    except (ValueError, RuntimeError, OSError) as error:
        raise SystemExit(f"curriculum-bandits regret: {_one_line(error)}") from None


def run_regret(
    settings: RegretSettings,
    *,
    output: Path,
    jobs: int = -1,
    backend: str = "loky",
    scheduler: str | None = None,
    table_format: str = "parquet",
    progress: bool = True,
) -> Tables:
    """Do what is not stored yet, then write tables and figures of all of it.

    Policies that the word ``all`` alone names are left out where they cannot play, which is said on stderr and kept in
    ``settings.json``. Tables and figures that an earlier command left in the folder go.

    Args:
        settings: What to do.
        output: Folder for results, tables and figures.
        jobs: Workers, see `workers.finished`.
        backend: Where they are.
        scheduler: Of a Dask cluster.
        table_format: ``parquet`` or ``csv``, for the tables of runs and curves.
        progress: Show a progress bar, and say at the end what was written.

    Returns:
        The tables.

    Raises:
        ValueError: If an instance, a policy or a number makes no sense; nothing is written then.
        RuntimeError: If a policy fails later than in its first round; what is done is stored.
        OSError: If the folder cannot be written to.
        ModuleNotFoundError: If something optional is missing; the message gives the pip command.
    """
    needed = ["joblib", "pandas", "matplotlib", *(["pyarrow"] if table_format == "parquet" else [])]
    for module in needed:
        require_extra(module, "regret")  # all of them now, not after hours of play
    begin = time.perf_counter()
    if output.exists() and not output.is_dir():
        raise ValueError(f"output is {str(output)!r}, which is a file; give a folder")
    instances, choices = parse_instances(settings.instances, settings.horizons), parse_policies(settings.policies)
    named = {choice.label for choice in parse_policies([word for word in settings.policies if word != "all"])}
    left_out = _try_out(instances, choices, settings.plays, named)
    choices = [choice for choice in choices if choice.label not in left_out]
    for label, reason in left_out.items():
        print(f"left out: {label}, {reason}", file=sys.stderr)
    if not choices:
        raise ValueError("no policy can play every instance; change --plays or the instances")
    tasks = plan(
        instances,
        choices,
        seeds=settings.seeds,
        runs=settings.runs,
        block=settings.block,
        plays=settings.plays,
        checkpoints=settings.checkpoints,
    )
    output.mkdir(parents=True, exist_ok=True)
    store = Store(output / "tasks")
    missing = _missing(tasks, store)
    with tqdm(total=len(tasks), initial=len(tasks) - len(missing), unit="task", disable=not progress) as bar:
        rounds, since = 0, time.perf_counter()
        for task, result in finished(missing, jobs=jobs, backend=backend, scheduler=scheduler):
            store.save(task, result)
            rounds += task.rounds
            bar.set_postfix_str(f"{rounds / (time.perf_counter() - since):,.0f} rounds/s", refresh=False)
            bar.update()
    tables, pictures = _gathered(tasks, store, choices, output, progress)
    _write(tables, pictures, output, table_format)
    document = {
        **_described(settings, instances, choices),
        "policies_left_out": left_out,
        "tasks": len(tasks),
        "tasks_done_by_this_command": len(missing),
        "seconds": round(time.perf_counter() - begin, 1),
        "jobs": jobs,
        "backend": backend,
        **_machine(needed),
    }
    (output / "settings.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    if progress:
        print(_closing(tables, output))
    return tables


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


def _missing(tasks: Iterable[Task], store: Store) -> list[Task]:
    return [task for task in tasks if store.load(task) is None]


def _gathered(
    tasks: Sequence[Task], store: Store, choices: Sequence[Choice], output: Path, progress: bool
) -> tuple[Tables, list[str]]:
    """Tables of everything, and the figures of single instances, which need their curves."""
    tables, pictures, styles = Tables(), [], line_styles([choice.label for choice in choices])

    with tqdm(desc="tables and figures", unit="instance", disable=not progress, leave=False) as bar:
        for group in groups(tasks, store.load):
            tables.add(group)
            if group.instance.family is None:
                pictures += _draw(group, styles, output)
            bar.update()
    return tables, pictures + _draw_overviews(tables, styles, output)


def _draw(group: Group, styles: Any, output: Path) -> list[str]:
    name = f"{_slug(group.instance.label)}-T{group.instance.horizon}"
    drawn = {
        f"regret-{name}.png": regret_figure(group, styles),
        f"bounds-{name}.png": bounds_figure(group, styles),
        f"arms-{name}.png": arms_figure(group),
    }
    return _save(drawn, output)


def _draw_overviews(tables: Tables, styles: Any, output: Path) -> list[str]:
    drawn: dict[str, Any] = {}
    families, summary, growth = tables.families(), tables.summary(), tables.growth()
    if len(families):
        for (family, horizon), rows in families.groupby(["family", "horizon"], sort=False):
            of_family = summary[(summary["family"] == family) & (summary["horizon"] == horizon)]
            drawn[f"family-{_slug(family)}-T{horizon}.png"] = family_figure(family, horizon, of_family, rows, styles)
    if len(growth):
        observations = tables.growth_observations()
        for subject, rows in growth.groupby("instance", sort=False):
            of_subject = observations[observations["subject"] == subject]
            drawn[f"growth-{_slug(subject)}.png"] = growth_figure(subject, of_subject, rows, styles)
    return _save(drawn, output)


def _save(drawn: dict[str, Any], output: Path) -> list[str]:
    for name, figure in drawn.items():
        if figure is not None:
            save_picture(figure, output / name)
    return [name for name, figure in drawn.items() if figure is not None]


#: Names of the pictures that this command writes.
_PICTURE = re.compile(r"(regret|bounds|arms|family)-.+-T\d+\.png|growth-.+\.png")


def _remove_leftovers(pictures: Sequence[str], output: Path, table_format: str) -> None:
    """Remove what another command left here and this one did not write, for it would be taken for this one's."""
    other = "csv" if table_format == "parquet" else "parquet"
    for name in ("runs", "curves"):
        (output / f"{name}.{other}").unlink(missing_ok=True)
    for path in output.glob("*.png"):
        if _PICTURE.fullmatch(path.name) and path.name not in pictures:
            path.unlink()


def _write(tables: Tables, pictures: Sequence[str], output: Path, table_format: str) -> None:
    write_table(tables.runs(), output / f"runs.{table_format}")
    write_table(tables.curves(), output / f"curves.{table_format}")
    write_table(tables.summary(), output / "summary.csv")
    for name, table in (("families", tables.families()), ("growth", tables.growth())):
        if len(table):
            write_table(table, output / f"{name}.csv")
        else:
            (output / f"{name}.csv").unlink(missing_ok=True)  # of another command, it would be taken for this one's
    (output / "summary.md").write_text(summary_page(tables), encoding="utf-8")
    _remove_leftovers(pictures, output, table_format)


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


def _machine(modules: Sequence[str]) -> dict[str, Any]:
    versions = {name: metadata.version(name) for name in ("curriculum-bandits", "numpy", "scipy", *modules)}
    return {
        "versions": {"python": platform.python_version(), **versions},
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }


def _slug(label: str) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "-", label).strip("-")


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
