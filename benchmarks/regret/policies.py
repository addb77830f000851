"""The policies of the benchmark by name: how each is made, what it is told, which theorem it answers to.

Comparisons are fair among those that are told the same, so what a policy knows is a column of every table.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from curriculum_bandits import bandits, bounds
from curriculum_bandits.bandits import Bandit
from curriculum_bandits.environments import Environment
from curriculum_bandits.grammar import (
    check_settings,
    check_words,
    find_name,
    import_function,
    is_import_path,
    parse_call,
)

from ..harness.provenance import source_digest
from .instances import expanded
from .side_information import best_arm_segments, change_count, comparator_path, variation

__all__ = ["POLICIES", "Bound", "Choice", "Policy", "find_policy", "parse_policies"]


class Bound(NamedTuple):
    """An upper bound on the expected regret over all rounds.

    Attributes:
        notion: Which regret it bounds, ``"dynamic"`` or ``"external"``.
        value: The bound.
    """

    notion: str
    value: float


@dataclass(frozen=True)
class Policy:
    """A way to play any instance.

    Both functions may take settings, and are given the plays a round where they have a parameter ``plays``.

    Attributes:
        name: Its name on the command line.
        knows: What it is told about the instance beyond its arms: "nothing", "horizon", "horizon, segments", ...
        make: ``make(environment, runs, **settings)`` returns a bandit for so many independent runs.
        bound: ``bound(environment, **settings)`` returns what a theorem says of it there, or None; without
            it no theorem here is about the policy.
        summary: What it is, in one line.
        told: What it knows where a setting is given that tells it more, by setting.
        revision: Raise it when what the policy learns or draws changes, as `make golden` tells; stored results of
            another revision are not used.
    """

    name: str
    knows: str
    make: Callable[..., Bandit]
    bound: Callable[..., Bound | None] | None = None
    summary: str = ""
    told: Mapping[str, str] = field(default_factory=dict)
    revision: int = 1

    def bandit(self, environment: Environment, runs: int, *, plays: int, settings: Mapping[str, Any]) -> Bandit:
        """The bandit that plays an instance.

        Args:
            environment: The instance.
            runs: Number of independent runs.
            plays: Plays a round, m.
            settings: Of the policy.

        Returns:
            A fresh bandit.
        """
        return self.make(environment, runs, **settings, **_plays(self.make, plays))

    def theorem(self, environment: Environment, *, plays: int, settings: Mapping[str, Any]) -> Bound | None:
        """What a theorem says of the policy on an instance.

        Args:
            environment: The instance.
            plays: Plays a round, m; where the bound is for one play only, there is none for more.
            settings: Of the policy.

        Returns:
            The bound, or None where no theorem here covers it.
        """
        if self.bound is None:
            return None
        given = _plays(self.bound, plays)
        if plays != 1 and not given:
            return None
        return self.bound(environment, **_taken(self.bound, settings), **given)


@dataclass(frozen=True)
class Choice:
    """A policy with settings, as it was chosen.

    Attributes:
        label: Its name in tables and figures.
        head: Name of the policy, or import path of a function called as ``function(environment, runs, **settings)``.
        settings: Pairs of setting and value.
    """

    label: str
    head: str
    settings: tuple[tuple[str, Any], ...] = ()

    @property
    def policy(self) -> Policy:
        """The policy behind the name."""
        return find_policy(self.head)

    @property
    def knows(self) -> str:
        """What the policy is told about the instance, with these settings."""
        policy = self.policy
        told = [policy.told[name] for name, value in self.settings if value is not None and name in policy.told]
        return told[0] if told else policy.knows

    @property
    def revision(self) -> int | str:
        """The policy's revision; for a function given by its import path, a digest of the file that defines it."""
        return self.policy.revision if self.head in POLICIES else source_digest(self.policy.make)

    def identity(self) -> list[Any]:
        """Name, settings with their defaults, and revision: all that results depend on."""
        settings = dict(self.settings)
        if self.head in POLICIES:
            parameters = inspect.signature(self.policy.make).parameters.values()
            settings = {each.name: each.default for each in parameters if each.name not in _GIVEN} | settings
        return [self.head, sorted([name, repr(value)] for name, value in settings.items()), self.revision]


def find_policy(head: str) -> Policy:
    """The policy of a name or import path.

    Args:
        head: A name in `POLICIES`, or ``package.module:function``.

    Returns:
        The policy; of a function of one's own nothing is known but the function.

    Raises:
        ValueError: If there is none; the message has the nearest.
    """
    if is_import_path(head):
        return Policy(head, "?", import_function(head))
    hint = "`curriculum-bandits regret --list` shows all, or give package.module:function"
    return POLICIES[find_name("policy", head, POLICIES, hint)]


def parse_policies(words: Sequence[str]) -> list[Choice]:
    """The policies that words name.

    Args:
        words: Names with settings or import paths; ``all`` stands for every name.

    Returns:
        The choices in order, none twice.

    Raises:
        ValueError: If a word cannot be understood, or a setting does not exist; the message says what there is.
    """
    chosen: dict[str, Choice] = {}
    for word in words:
        for text in POLICIES if word == "all" else [word]:
            for call in expanded(parse_call(text)):
                policy = find_policy(call.name)
                check_settings(f"policy {policy.name!r}", call.settings, policy.make, given=_GIVEN)
                if policy.name in POLICIES:
                    check_words(f"policy {text!r}", call.settings, policy.make)
                chosen[str(call)] = Choice(str(call), policy.name, tuple(call.settings.items()))
    return list(chosen.values())


_GIVEN = ("environment", "runs", "plays")


def _plays(function: Callable[..., Any], plays: int) -> dict[str, int]:
    return {"plays": plays} if "plays" in inspect.signature(function).parameters else {}


def _taken(function: Callable[..., Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    parameters = inspect.signature(function).parameters
    return {name: value for name, value in settings.items() if name in parameters}


def _segments(environment: Environment, segments: int | None) -> int:
    return len(best_arm_segments(environment.means)) if segments is None else segments


def _enough(environment: Environment, segments: int | None) -> bool:
    """Whether a bound for so many segments covers the best arm of each round."""
    return segments is None or segments >= len(best_arm_segments(environment.means))


def _uniform(environment: Environment, runs: int) -> Bandit:
    return bandits.Uniform(environment.n_arms, runs=runs)


def _oracle(environment: Environment, runs: int) -> Bandit:
    return bandits.Oracle(environment.means, runs=runs)


def _exp3(environment: Environment, runs: int, *, plays: int = 1) -> Bandit:
    return bandits.osmd_entropy(environment.n_arms, environment.horizon, plays, runs=runs)


def _exp3_bound(environment: Environment, *, plays: int = 1) -> Bound:
    return Bound("external", bounds.osmd_entropy_bound(environment.horizon, environment.n_arms, plays))


def _exp3_anytime(environment: Environment, runs: int) -> Bandit:
    return bandits.exp3_anytime(environment.n_arms, runs=runs)


def _exp3_anytime_bound(environment: Environment) -> Bound:
    return Bound("external", bounds.exp3_anytime_bound(environment.horizon, environment.n_arms))


def _exp3_ix(environment: Environment, runs: int) -> Bandit:
    return bandits.exp3_ix(environment.n_arms, environment.horizon, runs=runs)


def _exp3_p(environment: Environment, runs: int, *, confidence: float = 0.05) -> Bandit:
    return bandits.exp3_p(environment.n_arms, environment.horizon, confidence, runs=runs)


def _exp3_s(environment: Environment, runs: int, *, segments: int | None = None) -> Bandit:
    return bandits.exp3_s(environment.n_arms, environment.horizon, _segments(environment, segments), runs=runs)


def _exp3_s_bound(environment: Environment, *, segments: int | None = None) -> Bound | None:
    if not _enough(environment, segments):
        return None
    chosen = _segments(environment, segments)
    return Bound("dynamic", bounds.exp3_s_bound(environment.horizon, environment.n_arms, chosen))


def _budget(environment: Environment, budget: float | None) -> float:
    """The budget, above 0: with a millionth a restart never comes, as a still world wants it."""
    return max(variation(environment), 1e-6) if budget is None else budget


def _rexp3(environment: Environment, runs: int, *, variation: float | None = None) -> Bandit:
    return bandits.rexp3(environment.n_arms, environment.horizon, _budget(environment, variation), runs=runs)


def _rexp3_bound(environment: Environment, *, variation: float | None = None) -> Bound:
    horizon, n_arms = environment.horizon, environment.n_arms
    batch = bounds.rexp3_batch(horizon, n_arms, _budget(environment, variation))
    return Bound("dynamic", bounds.rexp3_bound(horizon, n_arms, _budget(environment, None), batch=batch))


def _restarted_exp3(environment: Environment, runs: int, *, variation: float | None = None) -> Bandit:
    batch = _restarted_batch(environment, variation)
    step = bounds.exp3_step(batch, environment.n_arms)
    return bandits.Osmd(
        environment.n_arms, runs=runs, floor=0.0, step=step, utility_range=(0.0, 1.0), restart_every=batch
    )


def _restarted_exp3_bound(environment: Environment, *, variation: float | None = None) -> Bound:
    batch = _restarted_batch(environment, variation)
    budget = _budget(environment, None)
    return Bound("dynamic", bounds.restarted_exp3_bound(environment.horizon, environment.n_arms, budget, batch=batch))


def _restarted_batch(environment: Environment, budget: float | None) -> int:
    return bounds.restarted_exp3_batch(environment.horizon, environment.n_arms, _budget(environment, budget))


def _osmd(
    environment: Environment,
    runs: int,
    *,
    plays: int = 1,
    share: float = 0.005,
    step: float = 0.1,
    floor: float = 0.0,
) -> Bandit:
    return bandits.Osmd(
        environment.n_arms, runs=runs, plays=plays, share=share, step=step, floor=floor, utility_range=(0.0, 1.0)
    )


def _osmd_bound(
    environment: Environment, *, plays: int = 1, share: float = 0.005, step: float = 0.1, floor: float = 0.0
) -> Bound | None:
    horizon, n_arms = environment.horizon, environment.n_arms
    if share == 0.0 and floor == 0.0:
        return Bound("external", bounds.osmd_entropy_bound(horizon, n_arms, plays, step=step))
    if share == 0.0:
        path = comparator_path(environment, plays)
        per_play = bounds.dynamic_bound(horizon, n_arms, path_length=path, plays=plays, floor=floor, step=step)
        return Bound("dynamic", plays * per_play)
    if plays == 1 and floor == 0.0 and 0.0 < share <= 0.5:
        segments = _segments(environment, None)
        return Bound("dynamic", bounds.fixed_share_bound(horizon, n_arms, segments, share=share, step=step))
    return None


def _osmd_path(environment: Environment, runs: int, *, plays: int = 1) -> Bandit:
    path = comparator_path(environment, plays)
    step = bounds.dynamic_step(environment.horizon, environment.n_arms, path_length=path, plays=plays)
    return _osmd(environment, runs, plays=plays, share=0.0, step=step, floor=1.0 / environment.horizon)


def _osmd_path_bound(environment: Environment, *, plays: int = 1) -> Bound:
    path = comparator_path(environment, plays)
    value = bounds.dynamic_bound(environment.horizon, environment.n_arms, path_length=path, plays=plays)
    return Bound("dynamic", plays * value)


def _fixed_share(environment: Environment, runs: int, *, segments: int | None = None) -> Bandit:
    return bandits.fixed_share(environment.n_arms, environment.horizon, _segments(environment, segments), runs=runs)


def _fixed_share_bound(environment: Environment, *, segments: int | None = None) -> Bound | None:
    if not _enough(environment, segments):
        return None
    chosen = _segments(environment, segments)
    return Bound("dynamic", bounds.fixed_share_bound(environment.horizon, environment.n_arms, chosen))


def _osmd_tsallis(environment: Environment, runs: int, *, plays: int = 1) -> Bandit:
    return bandits.osmd_tsallis(environment.n_arms, environment.horizon, plays, runs=runs)


def _osmd_tsallis_bound(environment: Environment, *, plays: int = 1) -> Bound:
    return Bound("external", bounds.osmd_tsallis_bound(environment.horizon, environment.n_arms, plays))


def _tsallis_inf(environment: Environment, runs: int, *, reduced_variance: bool = False) -> Bandit:
    return bandits.tsallis_inf(environment.n_arms, reduced_variance=reduced_variance, runs=runs)


def _tsallis_inf_bound(environment: Environment, *, reduced_variance: bool = False) -> Bound | None:
    if reduced_variance:
        return None
    return Bound("external", bounds.tsallis_inf_bound(environment.horizon, environment.n_arms))


def _ucb1(environment: Environment, runs: int) -> Bandit:
    return bandits.ucb1(environment.n_arms, runs=runs)


def _changes(environment: Environment, changes: int | None) -> int:
    return change_count(environment) if changes is None else changes


def _discounted_ucb(environment: Environment, runs: int, *, changes: int | None = None, xi: float = 0.5) -> Bandit:
    count = _changes(environment, changes)
    return bandits.discounted_ucb(environment.n_arms, environment.horizon, changes=count, xi=xi, runs=runs)


def _sliding_window_ucb(environment: Environment, runs: int, *, changes: int | None = None, xi: float = 0.5) -> Bandit:
    count = _changes(environment, changes)
    return bandits.sliding_window_ucb(environment.n_arms, environment.horizon, changes=count, xi=xi, runs=runs)


def _kl_ucb(environment: Environment, runs: int, *, c: float = 0.0) -> Bandit:
    return bandits.kl_ucb(environment.n_arms, c=c, runs=runs)


def _glr_kl_ucb(
    environment: Environment,
    runs: int,
    *,
    changes: int | None = None,
    exploration: float = 0.05,
    restart: Literal["global", "local"] = "global",
) -> Bandit:
    return bandits.glr_kl_ucb(
        environment.n_arms, environment.horizon, changes=changes, exploration=exploration, restart=restart, runs=runs
    )


def _glr_kl_ucb_local(
    environment: Environment, runs: int, *, changes: int | None = None, exploration: float = 0.05
) -> Bandit:
    return _glr_kl_ucb(environment, runs, changes=changes, exploration=exploration, restart="local")


def _thompson(environment: Environment, runs: int) -> Bandit:
    return bandits.thompson(environment.n_arms, runs=runs)


def _discounted_thompson(environment: Environment, runs: int, *, discount: float = 0.95) -> Bandit:
    return bandits.discounted_thompson(environment.n_arms, gamma=discount, runs=runs)


def _switching_thompson(
    environment: Environment,
    runs: int,
    *,
    hazard: float | None = None,
    sharpness: float = 3.0,
    contagion: float = 0.5,
    hypotheses: int = 24,
) -> Bandit:
    return bandits.switching_thompson(
        environment.n_arms,
        environment.horizon,
        hazard=hazard,
        sharpness=sharpness,
        contagion=contagion,
        hypotheses=hypotheses,
        runs=runs,
    )


def _epsilon_greedy(environment: Environment, runs: int, *, plays: int = 1, epsilon: float = 0.1) -> Bandit:
    return bandits.epsilon_greedy(environment.n_arms, epsilon=epsilon, plays=plays, runs=runs)


def _oracle_restarts(environment: Environment, runs: int, *, c: float = 0.0) -> Bandit:
    return bandits.RestartedAt(_kl_ucb(environment, runs, c=c), environment.change_points)


_HORIZON, _SEGMENTS, _VARIATION = "horizon", "horizon, segments", "horizon, variation"
_CHANGES = "horizon, changes"

#: Every policy that has a name.
POLICIES: Mapping[str, Policy] = MappingProxyType(
    {
        policy.name: policy
        for policy in (
            Policy("uniform", "nothing", _uniform, summary="every arm alike: score 1"),
            Policy("oracle", "means", _oracle, summary="the best arm of each round: score 0"),
            Policy("exp3", _HORIZON, _exp3, _exp3_bound, "Exp3 on losses; with many plays OSMD with entropy"),
            Policy("exp3_anytime", "nothing", _exp3_anytime, _exp3_anytime_bound, "Exp3 with a falling step"),
            Policy("exp3_ix", _HORIZON, _exp3_ix, summary="Exp3 with implicit exploration"),
            Policy("exp3_p", _HORIZON, _exp3_p, summary="Exp3.P, a bonus on every gain"),
            Policy("exp3_s", _SEGMENTS, _exp3_s, _exp3_s_bound, "Exp3.S of Auer et al. 2002"),
            Policy("rexp3", _VARIATION, _rexp3, _rexp3_bound, "Exp3 begun anew, Besbes et al. 2014"),
            Policy(
                "restarted_exp3",
                _VARIATION,
                _restarted_exp3,
                _restarted_exp3_bound,
                "Exp3 in loss form begun anew: a smaller constant",
            ),
            Policy("osmd", "nothing", _osmd, _osmd_bound, "mirror descent with a constant step and fixed share"),
            Policy("osmd_path", _SEGMENTS, _osmd_path, _osmd_path_bound, "mirror descent with a floor, tuned"),
            Policy("fixed_share", _SEGMENTS, _fixed_share, _fixed_share_bound, "mirror descent, fixed share, tuned"),
            Policy("osmd_tsallis", _HORIZON, _osmd_tsallis, _osmd_tsallis_bound, "mirror descent, 1/2-Tsallis entropy"),
            Policy("tsallis_inf", "nothing", _tsallis_inf, _tsallis_inf_bound, "Tsallis-INF"),
            Policy("ucb1", "nothing", _ucb1, summary="UCB1, for a world that stands still"),
            Policy("discounted_ucb", _CHANGES, _discounted_ucb, summary="UCB that forgets by a discount"),
            Policy("sliding_window_ucb", _CHANGES, _sliding_window_ucb, summary="UCB over a window"),
            Policy("kl_ucb", "nothing", _kl_ucb, summary="kl-UCB, for a world that stands still"),
            Policy(
                "glr_kl_ucb",
                _HORIZON,
                _glr_kl_ucb,
                summary="kl-UCB that restarts all arms at a detected change",
                told={"changes": _CHANGES},
            ),
            Policy(
                "glr_kl_ucb_local",
                _HORIZON,
                _glr_kl_ucb_local,
                summary="the same, restarting the changed arm only",
                told={"changes": _CHANGES},
            ),
            Policy("thompson", "nothing", _thompson, summary="Thompson sampling, for a world that stands still"),
            Policy("discounted_thompson", "nothing", _discounted_thompson, summary="Thompson sampling that forgets"),
            Policy("switching_thompson", _HORIZON, _switching_thompson, summary="Thompson over when arms last changed"),
            Policy("epsilon_greedy", "nothing", _epsilon_greedy, summary="the best mean so far, or any arm"),
            Policy("oracle_restarts", "change points", _oracle_restarts, summary="kl-UCB begun anew at every change"),
        )
    }
)
