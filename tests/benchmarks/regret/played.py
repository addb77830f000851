"""Places of the regret benchmark, and their results played in this process."""

from __future__ import annotations

from curriculum_bandits.benchmarks.regret.instances import parse_instances
from curriculum_bandits.benchmarks.regret.play import Place, Work, places, play_work
from curriculum_bandits.benchmarks.regret.policies import parse_policies


def places_of(words, policies, horizons=(), **sizes) -> list[Place]:
    """Every policy on every instance that words name."""
    return list(places(parse_instances(words, horizons), parse_policies(policies), **sizes))


def work_of(every) -> list[Work]:
    """What workers are handed, trial after trial."""
    return [place.work(trial, place.instance.environment()) for place in every for trial in place.trials]


def results_of(every):
    """Results by trial."""
    trials = [trial for place in every for trial in place.trials]
    return dict(zip(trials, map(play_work, work_of(every)), strict=True))
