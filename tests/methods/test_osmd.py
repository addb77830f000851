"""The tabular curriculum: it starts as uniform, finds what can be learnt, and keeps looking at the rest."""

import numpy as np
import pytest

from curriculum_bandits import Feedback, ProblemBank, Rollouts, methods
from curriculum_bandits.bandits import ScaleFree
from curriculum_bandits.signals import absolute_advantage, policy_improvement

GROUPS = ["done"] * 30 + ["frontier"] * 10 + ["hopeless"] * 20


def a_bank(n=60, groups=GROUPS):
    return ProblemBank([f"p{i}" for i in range(n)], groups=groups)


@pytest.mark.parametrize("arms", ["groups", "problems"])
def test_it_starts_as_uniform_over_problems(arms):
    draw = methods.osmd(a_bank(), arms).ask(12)
    np.testing.assert_allclose(draw.probability, 1 / 60, rtol=1e-12)
    np.testing.assert_allclose(draw.inclusion, 12 / 60, rtol=1e-12)


def test_arms_are_groups_where_the_bank_has_them():
    assert methods.osmd(a_bank()).settings["arms"] == "groups"
    assert methods.osmd(a_bank()).bandit.n_arms == 3
    assert methods.osmd(a_bank(groups=None)).settings["arms"] == "problems"
    assert methods.osmd(a_bank(), "problems").bandit.n_arms == 60


@pytest.mark.parametrize("unit", [1e-4, 1.0, 1e4])
@pytest.mark.parametrize("whole_numbers", [False, True])
def test_it_finds_the_group_that_improves_and_keeps_its_floor(unit, whole_numbers):
    curriculum, rng = methods.osmd(a_bank(), floor=0.1), np.random.default_rng(0)
    for _ in range(150):
        draw = curriculum.ask(6)
        frontier = (draw.items >= 30) & (draw.items < 40)
        values = frontier.astype(int) if whole_numbers else frontier + 0.2 * rng.normal(size=6)
        curriculum.tell(draw, unit * values if not whole_numbers else values)
    p = curriculum.bandit.probabilities()
    assert p[1] > 0.5
    assert np.all(p >= 0.1 * np.array([30, 10, 20]) / 60 - 1e-12)
    assert np.mean((curriculum.ask(10).items // 10) == 3) >= 0.5


def test_single_problems_are_found_too():
    curriculum = methods.osmd(a_bank(20, None), floor=0.1)
    for _ in range(300):
        draw = curriculum.ask(4)
        curriculum.tell(draw, (draw.items < 4).astype(float))
    p = curriculum.bandit.probabilities()
    assert np.sum(p[:4]) > 0.6
    assert np.max(4 * p) <= 1 + 1e-12


def test_it_follows_a_frontier_that_moves():
    curriculum, rng = methods.osmd(a_bank()), np.random.default_rng(1)
    for best in (0, 2, 1):
        for _ in range(200):
            draw = curriculum.ask(6)
            of = curriculum.bank.groups[draw.items]
            curriculum.tell(draw, (of == best) * 1e-3 + 1e-4 * rng.normal(size=6))
        assert np.argmax(curriculum.bandit.probabilities()) == best


def test_policy_improvement_rewards_it_unless_told_otherwise():
    rollouts = Rollouts([[1, 0, 0]], log_ratio=[[0.2, -0.1, 0.0]], lengths=[[2, 2, 2]])
    ours, theirs = methods.osmd(a_bank()).signal(rollouts), policy_improvement(rollouts)
    assert isinstance(ours, Feedback)
    assert ours.values == theirs.values
    other = methods.osmd(a_bank(), signal=absolute_advantage).signal(rollouts)
    assert other.values == absolute_advantage(rollouts).values


def test_settings_reach_the_bandit():
    step = ScaleFree(scale=2.0)
    bandit = methods.osmd(a_bank(), floor=0.3, share=0.05, step=step, utility_range=(0, 2)).bandit
    assert (bandit.floor, bandit.share, bandit.step, bandit.utility_range) == (0.3, 0.05, step, (0, 2))


def test_arms_that_do_not_exist_are_refused():
    with pytest.raises(ValueError, match="arms='topics' is unknown"):
        methods.osmd(a_bank(), "topics")
    with pytest.raises(ValueError, match="the bank has no groups"):
        methods.osmd(a_bank(groups=None), "groups")


def test_what_cannot_be_a_setting_or_a_bank_or_a_draw_is_refused_by_name():
    with pytest.raises(TypeError, match=r"floor is 'a'; it must be a number in \[0, 1\)"):
        methods.osmd(a_bank(), floor="a")
    with pytest.raises(TypeError, match="osmd: got an unexpected keyword argument 'flor'"):
        methods.osmd(a_bank(), flor=0.1)
    for bank in (["1+1=", "2+3="], None):
        with pytest.raises(TypeError, match=r"osmd has a \w+ for a bank; give ProblemBank\(prompts\)"):
            methods.osmd(bank)
    curriculum = methods.osmd(a_bank())
    with pytest.raises(TypeError, match="the draw is a ndarray; give what ask returned"):
        curriculum.tell(curriculum.ask(4).items, [0.0] * 4)
