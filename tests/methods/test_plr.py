"""PLR: whose advantages score, and how fast all problems are seen."""

import numpy as np

from curriculum_bandits import ProblemBank, Rollouts, methods

N = 40
PROMPTS = [f"prompt {i}" for i in range(N)]
GRADED = ProblemBank(PROMPTS, difficulty=np.arange(N) * 2.0 + 10.0)


def successes(rates, rollouts=4):
    """Rollouts with these success rates."""
    return Rollouts([[1.0] * round(rate * rollouts) + [0.0] * (rollouts - round(rate * rollouts)) for rate in rates])


def test_plr_scores_by_a_critics_advantages_where_there_are_any():
    curriculum = methods.plr(GRADED)
    assert (curriculum.bandit.temperature, curriculum.bandit.staleness) == (0.1, 0.1)
    rollouts = Rollouts([[1.0, 0.0], [1.0, 1.0]], absolute_advantages=[[0.25, 0.75], [2.0, 1.0]])
    np.testing.assert_allclose(curriculum.signal(rollouts).values, [0.5, 1.5])
    compared = curriculum.signal(successes([0.5, 1.0])).values
    assert compared[0] > 0.8
    assert compared[1] == 0.0


def test_plr_sees_every_problem_as_often_as_uniform_until_all_are_seen():
    curriculum = methods.plr(GRADED)
    for _ in range(5):
        draw = curriculum.ask(4)
        curriculum.tell(draw, np.linspace(0, 1, 4))
    seen = curriculum.bandit.diagnostics()["seen"]
    assert 0.25 < seen <= 0.5
    for _ in range(200):
        curriculum.tell(curriculum.ask(4), np.linspace(0, 1, 4))
    assert curriculum.bandit.diagnostics()["seen"] == 1.0
