"""The base of every comparison: each problem once an epoch, whatever it brings."""

import numpy as np

from curriculum_bandits import ProblemBank, Rollouts, methods


def a_bank(n=11):
    return ProblemBank([f"p{i}" for i in range(n)])


def test_each_problem_once_an_epoch_also_when_batches_do_not_divide_it():
    curriculum, seen = methods.uniform(a_bank()), []
    for _ in range(22):
        draw = curriculum.ask(4)
        assert len(set(draw.items.tolist())) == 4
        seen.extend(draw.items.tolist())
        curriculum.tell(draw, np.arange(4.0))
    for epoch in np.reshape(seen, (-1, 11)):
        assert sorted(epoch) == list(range(11))


def test_what_it_is_told_changes_no_draw():
    told, silent = methods.uniform(a_bank(), seed=3), methods.uniform(a_bank(), seed=3)
    for _ in range(10):
        draw, other = told.ask(3), silent.ask(3)
        assert draw.items.tolist() == other.items.tolist()
        told.tell(draw, [1e6, -1e6, 0.0])


def test_it_reports_the_success_rate():
    feedback = methods.uniform(a_bank()).signal(Rollouts([[1, 0, None]]))
    assert feedback.values.tolist() == [0.5]
