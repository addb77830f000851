"""The ticket and the answer: copied, locked, checked, and back from plain numbers."""

import dataclasses
import json

import numpy as np
import pytest

from curriculum_bandits.draw import Draw, Feedback, Ticket


def a_draw(**changes):
    fields = {"items": [3, 1], "probability": [0.1, 0.4], "inclusion": [0.2, 0.8], "ticket": Ticket("run", 7)}
    return Draw(**{**fields, **changes})


def test_a_draw_does_not_follow_the_arrays_it_was_made_from():
    items, probability, inclusion = np.array([3, 1]), np.array([0.1, 0.4]), np.array([0.2, 0.8])
    draw = a_draw(items=items, probability=probability, inclusion=inclusion)
    items[0], probability[0], inclusion[0] = 9, 9.0, 9.0
    assert draw.items.tolist() == [3, 1]
    assert draw.probability.tolist() == [0.1, 0.4]
    assert draw.inclusion.tolist() == [0.2, 0.8]


@pytest.mark.parametrize("name", ["items", "probability", "inclusion", "candidates", "candidate_probability"])
def test_the_arrays_of_a_draw_refuse_assignment(name):
    draw = a_draw(candidates=[1, 3], candidate_probability=[0.5, 0.5])
    with pytest.raises(ValueError, match="read-only"):
        getattr(draw, name)[0] = 1


@pytest.mark.parametrize("frozen", [a_draw(), Ticket("run", 0), Feedback([1.0], [1])])
def test_the_fields_cannot_be_replaced(frozen):
    for field in dataclasses.fields(frozen):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(frozen, field.name, None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"probability": [0.1]}, "probability has 1 entries where 2"),
        ({"inclusion": [0.1, 0.2, 0.3]}, "inclusion has 3 entries where 2"),
        ({"items": [[3, 1]]}, r"items has shape \(1, 2\)"),
        ({"candidate_probability": [0.5]}, "candidate_probability is given without candidates"),
        ({"candidate_inclusion": [0.5]}, "candidate_inclusion is given without candidates"),
        ({"candidates": [1, 2, 3], "candidate_inclusion": [0.5]}, "candidate_inclusion has 1 entries where 3"),
    ],
)
def test_a_draw_that_does_not_fit_together_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        a_draw(**changes)


@pytest.mark.parametrize(
    "draw",
    [
        a_draw(),
        a_draw(inclusion=None),
        a_draw(candidates=[1, 2, 3], candidate_probability=[0.1, 0.2, 0.7], candidate_inclusion=[0.5, 0.5, 1.0]),
    ],
)
def test_a_draw_comes_back_from_its_state(draw):
    twin = Draw.from_state_dict(draw.state_dict())
    assert twin.ticket == draw.ticket
    np.testing.assert_equal(twin.state_dict(), draw.state_dict())


def test_the_state_of_a_draw_is_arrays_and_plain_numbers():
    plain = {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in a_draw().state_dict().items()}
    twin = Draw.from_state_dict(json.loads(json.dumps(plain)))
    np.testing.assert_equal(twin.state_dict(), a_draw().state_dict())


def test_feedback_with_a_count_of_zero_is_missing_whatever_its_value():
    feedback = Feedback(values=[0.0, np.nan, np.inf, 1.0], counts=[8, 0, 0, 1])
    assert feedback.answered.tolist() == [True, False, False, True]
    assert len(feedback) == 4


def test_feedback_copies_and_locks_its_arrays():
    values = np.array([1.0, 2.0])
    feedback = Feedback(values, [1, 1])
    values[0] = 9.0
    assert feedback.values.tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match="read-only"):
        feedback.counts[0] = 0


@pytest.mark.parametrize(
    ("values", "counts", "message"),
    [
        ([1.0, 2.0], [1], "counts has 1 entries where 2"),
        ([1.0], [-3], "counts holds -3"),
        ([[1.0]], [1], r"values has shape \(1, 1\)"),
    ],
)
def test_feedback_that_does_not_fit_together_is_refused(values, counts, message):
    with pytest.raises(ValueError, match=message):
        Feedback(values, counts)
