"""The physics is the task's; with gymnasium's numbers it is gymnasium's."""

import numpy as np
import pytest

pytest.importorskip("gymnasium")

from gymnasium.envs.classic_control.acrobot import AcrobotEnv
from gymnasium.envs.classic_control.cartpole import CartPoleEnv

from curriculum_bandits.adapters.gym.environments.classic_control import (
    GradedAcrobot,
    GradedCartPole,
    acrobot_bank,
    cart_pole_bank,
)


@pytest.mark.parametrize(
    ("ours", "theirs", "actions"), [(GradedCartPole, CartPoleEnv, 2), (GradedAcrobot, AcrobotEnv, 3)]
)
def test_the_usual_physics_is_that_of_gymnasium(ours, theirs, actions):
    graded, plain = ours(), theirs()
    seen, _ = graded.reset(seed=4)
    state, _ = plain.reset(seed=4)
    rng = np.random.default_rng(0)
    for _ in range(8):
        np.testing.assert_array_equal(seen[: len(state)], state)
        assert np.all(seen[len(state) :] == 1.0)
        action = int(rng.integers(actions))
        seen, reward, over, late, _ = graded.step(action)
        state, other_reward, other_over, _, _ = plain.step(action)
        assert (reward, over, late) == (other_reward, other_over, False)


def test_a_short_pole_falls_faster_and_physics_does_not_stay():
    env = GradedCartPole()

    def fall(options):
        env.reset(seed=0, options=options)
        for step in range(100):
            if env.step(1)[2]:
                return step
        return 100

    usual = fall(None)
    assert fall({"force_mag": 40.0}) < usual < fall({"length": 3.0})
    assert fall({"length": 0.1, "masspole": 0.5}) != usual
    assert env.total_mass == env.masscart + 0.5
    assert env.polemass_length == 0.5 * 0.1
    assert fall(None) == usual


def test_survived_is_the_share_of_the_time():
    env = GradedCartPole(steps=40)
    env.reset(seed=0)
    over, steps = False, 0
    while not over:
        _, _, over, late, info = env.step(1)
        steps += 1
        assert info["survived"] == pytest.approx((steps - over) / 40)
    assert not late
    env = GradedCartPole(steps=3)
    env.reset(seed=0)
    assert [env.step(1)[2:4] for _ in range(3)] == [(False, False), (False, False), (False, True)]
    assert info["survived"] < 1.0


def test_a_strong_acrobot_moves_further():
    env = GradedAcrobot(steps=5)

    def moved(options):
        env.reset(seed=0, options=options)
        steps = [env.step(2) for _ in range(5)]
        assert [late for *_, late, _ in steps] == [False] * 4 + [True]
        assert steps[-1][4]["is_success"] == 0.0
        return abs(steps[-1][0][4])

    assert moved({"torque": 2.0}) > moved({"torque": 1.0}) > moved({"torque": 0.5})
    heavy = AcrobotEnv()
    heavy.LINK_MASS_2 = 3.0
    heavy.reset(seed=0)
    states = [heavy.step(2)[0] for _ in range(5)]
    assert moved({"mass": 3.0}) == abs(states[-1][4]) != moved({})


@pytest.mark.parametrize("make", [cart_pole_bank, acrobot_bank])
def test_banks_are_graded(make):
    bank = make(60, seed=2)
    assert len(bank.group_names) == 15
    assert bank.features.shape[0] == len(bank.difficulty) == 60
    assert np.all(np.isfinite(bank.features))
    means = [np.mean(bank.difficulty[bank.groups == group]) for group in range(15)]
    assert np.argmin(means) < 3
    assert np.argmax(means) >= 12
    assert bank.fingerprint == make(60, seed=2).fingerprint != make(60, seed=3).fingerprint


@pytest.mark.parametrize(
    ("options", "message"), [({"wind": 1.0}, r"unknown physics \['wind'\]"), ({"torque": 0.0}, "torque is 0.0")]
)
def test_senseless_physics_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        GradedAcrobot().reset(options=options)
