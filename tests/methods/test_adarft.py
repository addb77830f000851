"""AdaRFT: published settings in the units of the bank, and a target that moves by the mean."""

import math

import numpy as np
import pytest

from curriculum_bandits import ProblemBank, Rollouts, methods

N = 40
PROMPTS = [f"prompt {i}" for i in range(N)]
GRADED = ProblemBank(PROMPTS, difficulty=np.arange(N) * 2.0 + 10.0)


def test_adarft_has_the_published_settings_in_the_units_of_the_bank():
    bandit = methods.adarft(GRADED).bandit
    assert (bandit.step, bandit.sensitivity, bandit.target_reward) == (pytest.approx(0.5 * 78), 2.0, 0.5)
    assert bandit.target == 10.0
    assert methods.adarft(GRADED, start=30.0).bandit.target == 30.0


def test_adarft_moves_by_the_mean_of_what_answered():
    curriculum = methods.adarft(GRADED)
    draw = curriculum.ask(3)
    assert set(draw.items) == {0, 1, 2}
    feedback = curriculum.signal(Rollouts([[1.0, 1.0], [1.0, 0.0], [math.nan, math.nan]]))
    curriculum.tell(draw, feedback)
    assert curriculum.bandit.target == pytest.approx(10 + 39 * math.tanh(2 * 0.25))


def test_adarft_needs_difficulty_and_says_which_argument_supplies_it():
    with pytest.raises(ValueError, match="ProblemBank difficulty="):
        methods.adarft(ProblemBank(PROMPTS))
    with pytest.raises(ValueError, match="difficulty of problem 3 is nan"):
        methods.adarft(ProblemBank(PROMPTS, difficulty=[math.nan if i == 3 else 1.0 for i in range(N)]))
