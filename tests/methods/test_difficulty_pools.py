"""Difficulty pools follow success."""

import numpy as np

from curriculum_bandits import ProblemBank, Rollouts, methods

N = 40
PROMPTS = [f"prompt {i}" for i in range(N)]
GRADED = ProblemBank(PROMPTS, difficulty=np.arange(N) * 2.0 + 10.0)


def successes(rates, rollouts=4):
    """Rollouts with these success rates."""
    return Rollouts([[1.0] * round(rate * rollouts) + [0.0] * (rollouts - round(rate * rollouts)) for rate in rates])


def test_difficulty_pools_follow_success():
    curriculum = methods.difficulty_pools(GRADED)
    draw = curriculum.ask(4)
    curriculum.tell(draw, curriculum.signal(successes([0.0, 0.5, 1.0, 0.25])))
    p = curriculum.bandit.probabilities()[draw.items]
    np.testing.assert_allclose(p / p[1], [0.1, 1.0, 0.1, 1.0])
