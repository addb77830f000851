"""Each theorem against every instance it covers: the upper end of the mean regret's interval lies below the bound.

In the notion of regret and with the tuning that the theorem assumes. The interval is the mean over runs plus three
standard errors; rewards are Bernoulli, fixed beforehand, so the adversary is oblivious as the theorems ask.
"""

import numpy as np
import pytest

from curriculum_bandits import bandits, bounds, regret
from curriculum_bandits.bandits import Osmd
from curriculum_bandits.environments import (
    besbes_sinusoid,
    besson_1,
    besson_2,
    liu_lee_shroff,
    piecewise_stationary,
    play,
    random_abrupt,
)

RUNS = 20
WORLDS = [
    piecewise_stationary([[0.5] * 7 + [0.7]], 1000, name="stationary"),
    piecewise_stationary([[0.9] + [0.1] * 5, [0.1] * 5 + [0.9]], 1000, name="one switch"),
    besson_1(1000),
    besson_2(1000),
    # Garivier and Moulines' instance in a tenth of its rounds; the bounds hold for any horizon.
    piecewise_stationary([[0.5, 0.3, 0.4], [0.5, 0.3, 0.9], [0.5, 0.3, 0.4]], 1000, starts=[0, 300, 500], name="G-M"),
    besbes_sinusoid(1000),
    liu_lee_shroff(1000),
    random_abrupt(5, 1000, 4, seed=0),
]
every_world = pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)


def upper_end(curve):
    totals = curve[..., -1]
    return float(np.mean(totals) + 3 * np.std(totals, ddof=1) / np.sqrt(len(totals)))


def earned(bandit, world, plays=1):
    arms = play(bandit, world, runs=RUNS, plays=plays, seed=1)
    return regret.earned_by_batches(world.means, arms)


def segments_of(world):
    return 1 + int(regret.switches(np.argmax(world.means, axis=1)))


@every_world
@pytest.mark.parametrize("name", ["exp3", "exp3_anytime", "osmd_tsallis", "tsallis_inf"])
def test_external_regret_stays_below_the_bounds_for_one_play(name, world):
    horizon, arms = world.horizon, world.n_arms
    if name in ("exp3", "osmd_tsallis"):
        bandit = getattr(bandits, name)(arms, horizon, runs=RUNS)
    else:
        bandit = getattr(bandits, name)(arms, runs=RUNS)
    bound = getattr(bounds, f"{name}_bound")(horizon, arms)
    assert upper_end(regret.external_regret(world.means, earned(bandit, world))) < bound


@every_world
@pytest.mark.parametrize("make", ["entropy", "tsallis"])
def test_external_regret_of_many_plays_stays_below_the_bounds_on_subsets(make, world):
    horizon, arms = world.horizon, world.n_arms
    plays = max(1, arms // 2)
    bandit = {"entropy": bandits.osmd_entropy, "tsallis": bandits.osmd_tsallis}[make](arms, horizon, plays, runs=RUNS)
    bound = getattr(bounds, f"osmd_{make}_bound")(horizon, arms, plays)
    curve = regret.external_regret(world.means, earned(bandit, world, plays), plays=plays)
    assert upper_end(curve) < bound


@every_world
@pytest.mark.parametrize("name", ["exp3_s", "fixed_share"])
def test_switching_regret_stays_below_the_bounds_for_segments(name, world):
    segments = min(segments_of(world), 6)  # any number of segments is covered; the sinusoid's own is one a round
    bandit = getattr(bandits, name)(world.n_arms, world.horizon, segments, runs=RUNS)
    gains = earned(bandit, world)
    curves = np.stack([regret.switching_regret(world.means, run, segments - 1).curve for run in gains])
    assert upper_end(curves) < getattr(bounds, f"{name}_bound")(world.horizon, world.n_arms, segments)


@every_world
def test_dynamic_regret_of_rexp3_stays_below_its_bound(world):
    variation = float(regret.variation_budget(world.means))
    if variation == 0.0:
        pytest.skip("a stationary world needs no restart")
    gains = earned(bandits.rexp3(world.n_arms, world.horizon, variation, runs=RUNS), world)
    bound = bounds.rexp3_bound(world.horizon, world.n_arms, variation)
    assert upper_end(regret.dynamic_regret(world.means, gains)) < bound


@every_world
def test_dynamic_regret_of_restarted_exp3_stays_below_its_bound(world):
    variation = float(regret.variation_budget(world.means))
    if variation == 0.0:
        pytest.skip("a stationary world needs no restart")
    batch = bounds.restarted_exp3_batch(world.horizon, world.n_arms, variation)
    step = bounds.exp3_step(batch, world.n_arms)
    options = {"utility_range": (0.0, 1.0), "floor": 0.0, "step": step, "restart_every": batch}
    gains = earned(Osmd(world.n_arms, runs=RUNS, **options), world)
    bound = bounds.restarted_exp3_bound(world.horizon, world.n_arms, variation)
    assert upper_end(regret.dynamic_regret(world.means, gains)) < bound


@every_world
@pytest.mark.parametrize("replacement", [False, True], ids=["distinct", "independent"])
@pytest.mark.parametrize("plays", [1, 2])
def test_dynamic_regret_stays_below_this_projects_own_bound(plays, replacement, world):
    horizon, arms = world.horizon, world.n_arms
    if plays == arms and not replacement:
        pytest.skip("with every arm played in every round there is nothing to choose")
    order = np.argsort(-world.means, axis=1, kind="stable")[:, : 1 if replacement else plays]
    comparator = np.zeros_like(world.means)
    np.put_along_axis(comparator, order, 1.0 / order.shape[1], axis=1)
    tuning = {"plays": plays, "replacement": replacement, "path_length": float(regret.path_length(comparator))}
    bandit = Osmd(
        arms,
        runs=RUNS,
        plays=plays,
        replacement=replacement,
        floor=1.0 / horizon,
        step=bounds.dynamic_step(horizon, arms, **tuning),
        utility_range=(0.0, 1.0),
    )
    gains = earned(bandit, world, plays)
    capacity = np.inf if replacement else 1.0
    curve = regret.dynamic_regret(world.means, gains, plays=plays, capacity=capacity)
    assert upper_end(curve / plays) < bounds.dynamic_bound(horizon, arms, **tuning)


def test_a_bound_can_fail_so_the_tests_above_can():
    # Whoever always plays a bad arm is above every bound: the bounds are not so wide that nothing could break them.
    world = piecewise_stationary([[0.9] + [0.1] * 5], 1500, name="easy")
    worst = np.full((RUNS, world.horizon, 1), 1)
    curve = regret.external_regret(world.means, regret.earned_by_batches(world.means, worst))
    assert curve[0, -1] > bounds.exp3_bound(world.horizon, world.n_arms)
