"""Every policy by name: it plays, and its bound is above what is measured."""

from __future__ import annotations

import numpy as np
import pytest

from curriculum_bandits.bandits import glr_kl_ucb
from curriculum_bandits.benchmarks.regret.instances import Instance, parse_instances
from curriculum_bandits.benchmarks.regret.play import Block, Work, play_work
from curriculum_bandits.benchmarks.regret.policies import POLICIES, Bound, Choice, parse_policies
from curriculum_bandits.benchmarks.regret.side_information import best_arm_segments
from curriculum_bandits.bounds import exp3_s_bound, fixed_share_bound, osmd_entropy_bound
from curriculum_bandits.environments import besson_1, piecewise_stationary

(SMALL,) = parse_instances(["besson_1(horizon=400)"])


def result_of(choice: Choice, instance=SMALL, runs: int = 20, plays: int = 1):
    block = Block(instance.label, instance.horizon, instance.digest, plays, 0, runs, 10)
    return play_work(Work(instance.environment(), choice, 0, block))


@pytest.mark.parametrize("choice", parse_policies(["all"]), ids=lambda choice: choice.label)
def test_every_policy_plays(choice):
    result = result_of(choice)
    assert result.dynamic.shape == (20, 10)
    assert np.all(np.diff(result.dynamic, axis=1) >= -1e-9)


def instance_of(segments, horizon):
    return Instance("", None, horizon, "", lambda: piecewise_stationary(segments, horizon))


# Hard enough for every bound to say something: who plays arms alike, or the wrong one, is above it.
STILL, FLIP = instance_of([[0.1, 0.9]], 500), instance_of([[0.0, 1.0], [1.0, 0.0]], 1000)
BOUNDED = [Choice(name, name) for name, policy in POLICIES.items() if policy.bound is not None]


@pytest.mark.parametrize("choice", BOUNDED, ids=lambda choice: choice.label)
def test_every_policy_keeps_its_bound_where_uniform_play_would_not(choice):
    (notion, _) = choice.policy.theorem(FLIP.environment(), plays=1, settings={})
    instance = FLIP if notion == "dynamic" else STILL
    bound = choice.policy.theorem(instance.environment(), plays=1, settings={})
    assert bound.notion == notion
    uniform = result_of(Choice("uniform", "uniform"), instance)
    assert bound.value < np.mean(getattr(uniform, notion)[:, -1])
    assert np.mean(getattr(result_of(choice, instance), notion)[:, -1]) < bound.value


def test_the_ends_of_the_scale():
    assert np.all(result_of(Choice("oracle", "oracle")).dynamic == 0.0)
    uniform = np.mean(result_of(Choice("uniform", "uniform"), runs=200).dynamic[:, -1])
    assert uniform == pytest.approx(0.3 * 400, rel=0.02)


def test_what_a_policy_knows_is_used():
    environment = besson_1(400)
    shared = {"plays": 1, "settings": {}}
    assert POLICIES["exp3_s"].theorem(environment, **shared) == Bound("dynamic", exp3_s_bound(400, 3, segments=2))
    more = POLICIES["exp3_s"].theorem(environment, plays=1, settings={"segments": 5})
    assert more == Bound("dynamic", exp3_s_bound(400, 3, segments=5))
    # Tuned for fewer segments than the best arm has, the theorem does not cover it.
    assert POLICIES["exp3_s"].theorem(environment, plays=1, settings={"segments": 1}) is None
    assert POLICIES["fixed_share"].theorem(environment, plays=1, settings={"segments": 1}) is None
    assert POLICIES["oracle_restarts"].knows == "change points"


@pytest.mark.parametrize("name", ["glr_kl_ucb", "glr_kl_ucb_local"])
def test_the_exploration_of_glr_kl_ucb_is_its_constructors_own(name):
    environment = besson_1(400)
    own = glr_kl_ucb(environment.n_arms, environment.horizon).exploration
    assert POLICIES[name].bandit(environment, 1, plays=1, settings={}).exploration == own
    more = POLICIES[name].bandit(environment, 1, plays=1, settings={"exploration": 0.1})
    assert more.exploration == pytest.approx(2 * own)


def test_a_setting_out_of_range_is_named_by_its_bandit():
    with pytest.raises(ValueError, match="epsilon is 2"):
        POLICIES["epsilon_greedy"].bandit(besson_1(400), 1, plays=1, settings={"epsilon": 2.0})


def test_bounds_follow_the_settings_of_osmd():
    environment, osmd = besson_1(400), POLICIES["osmd"]
    shared = osmd.theorem(environment, plays=1, settings={})
    assert shared == Bound("dynamic", fixed_share_bound(400, 3, 2, share=0.005, step=0.1))
    less = osmd.theorem(environment, plays=1, settings={"share": 0.001, "step": 0.2})
    assert less == Bound("dynamic", fixed_share_bound(400, 3, 2, share=0.001, step=0.2))
    for beyond in ({"share": 0.6}, {"floor": 0.01}):
        assert osmd.theorem(environment, plays=1, settings=beyond) is None
    assert osmd.theorem(environment, plays=2, settings={}) is None
    plain = osmd.theorem(environment, plays=1, settings={"share": 0.0, "step": 0.2})
    assert plain == Bound("external", osmd_entropy_bound(400, 3, step=0.2))
    floored = osmd.theorem(environment, plays=1, settings={"share": 0.0, "floor": 0.01})
    assert floored is not None
    assert floored.notion == "dynamic"


def test_the_bound_of_rexp3_does_not_believe_a_wrong_budget():
    environment = besson_1(400)
    told = [POLICIES["rexp3"].theorem(environment, plays=1, settings={"variation": v}).value for v in (0.01, 100.0)]
    assert min(told) > POLICIES["rexp3"].theorem(environment, plays=1, settings={}).value * 0.9


def test_many_plays():
    for name in ("uniform", "oracle", "exp3", "osmd", "osmd_path", "osmd_tsallis"):
        choice = Choice(name, name)
        result = result_of(choice, plays=2)
        bound = choice.policy.theorem(SMALL.environment(), plays=2, settings={})
        if bound is not None:
            measured = result.dynamic if bound.notion == "dynamic" else result.external
            assert np.mean(measured[:, -1]) < bound.value
    assert np.all(np.abs(result_of(Choice("oracle", "oracle"), plays=2).dynamic) < 1e-9)
    assert POLICIES["tsallis_inf"].theorem(SMALL.environment(), plays=2, settings={}) is None


def test_a_world_that_stands_still_is_no_trouble():
    environment = piecewise_stationary([[0.2, 0.8]], 50)
    assert len(best_arm_segments(environment.means)) == 1
    for policy in POLICIES.values():
        bandit = policy.bandit(environment, 2, plays=1, settings={})
        assert bandit.n_arms == 2
        policy.theorem(environment, plays=1, settings={})


def test_a_choice_is_named_as_it_was_written():
    chosen = parse_policies(["osmd(share=0.01, step=0.1)", "exp3", "exp3"])
    assert [choice.label for choice in chosen] == ["osmd(share=0.01, step=0.1)", "exp3"]
    assert chosen[0].settings == (("share", 0.01), ("step", 0.1))
    assert [choice.label for choice in parse_policies(["exp3_s(segments=range(2, 4))"])] == [
        "exp3_s(segments=2)",
        "exp3_s(segments=3)",
    ]
    assert len(parse_policies(["all", "exp3"])) == len(POLICIES)
