"""Answers some steps late: the same answers, in the same order, with nothing lost on the way."""

import numpy as np
import pytest

from curriculum_bandits import Delayed, Feedback, ProblemBank, Rollouts, methods, run
from curriculum_bandits.checkpoint import load_state, save_state
from curriculum_bandits.testing import CurriculumConformance

BANK = ProblemBank([f"problem {i}" for i in range(12)], ids=[f"p-{i}" for i in range(12)], groups=list("aabbccddeeff"))


def make(steps=2, seed=0, **options):
    return Delayed(methods.osmd(BANK, seed=seed, **options), steps)


class TestDelayedOsmd(CurriculumConformance):
    def make(self, seed=0):
        return make(seed=seed, arms="problems")


class TestWithoutDelay(CurriculumConformance):
    def make(self, seed=0):
        return make(steps=0, seed=seed)


def utilities(draw):
    return np.modf(0.618 * draw.items)[0]


@pytest.mark.parametrize("steps", [0, 1, 3])
def test_every_answer_reaches_the_curriculum_the_given_steps_later_and_in_order(steps):
    late = make(steps)
    heard = []
    tell = late.curriculum.tell
    late.curriculum.tell = lambda draw, feedback: (heard.append(draw.ticket.serial), tell(draw, feedback))
    before_ask = []
    for step in range(7):
        draw = late.ask(3)
        before_ask.append(len(heard))
        assert late.outstanding == (draw,)
        late.tell(draw, utilities(draw))
        assert late.outstanding == ()
        assert len(late.curriculum.outstanding) == (min(step, steps) + 1 if steps else 0)
    assert before_ask == [max(0, step - steps) for step in range(7)]
    assert heard == list(range(6 - steps if steps else 7))


def test_it_draws_as_a_loop_that_holds_answers_back_by_hand():
    late, by_hand, held = make(2), methods.osmd(BANK, seed=0), []
    for _ in range(20):
        draws = [late.ask(3), late.ask(2)]  # two draws a step
        others = [by_hand.ask(3), by_hand.ask(2)]
        for draw, other in zip(draws, others, strict=True):
            assert draw.items.tolist() == other.items.tolist()
            np.testing.assert_array_equal(draw.probability, other.probability)
            late.tell(draw, utilities(draw))
        held.append(others)
        if len(held) == 3:
            for other in held.pop(0):
                by_hand.tell(other, utilities(other))
    assert not np.allclose(late.bandit.probabilities(), make(2).bandit.probabilities())


def test_held_answers_are_in_the_state_and_go_on_from_a_file(tmp_path):
    late = make(2)
    for _ in range(4):
        draw = late.ask(3)
        late.tell(draw, Feedback(utilities(draw), [1, 0, 2]))
    late.ask(2)
    save_state(tmp_path / "state", late.state_dict())
    twin = make(2, seed=9)
    twin.load_state_dict(load_state(tmp_path / "state"))
    for each in (late, twin):
        for _ in range(5):
            draw = each.ask(3)
            each.tell(draw, utilities(draw))
    assert late.bandit.probabilities().tobytes() == twin.bandit.probabilities().tobytes()
    assert [draw.ticket for draw in late.outstanding] == [draw.ticket for draw in twin.outstanding]


def test_a_state_of_another_delay_is_refused():
    with pytest.raises(ValueError, match="saved steps of delayed is 3, and 2 here; use that delay"):
        make(2).load_state_dict(make(3).state_dict())
    with pytest.raises(ValueError, match="belongs to a 'curriculum', not to a 'delayed'"):
        make(2).load_state_dict(methods.osmd(BANK).state_dict())


def test_an_answer_that_only_the_bandit_refuses_gives_its_draw_up_when_it_is_due():
    late = Delayed(methods.learnability(BANK, seed=0), 1)
    draw = late.ask(2)
    late.tell(draw, [0.25, 7.0])
    late.tell(late.ask(2), [0.0, 0.0])
    with pytest.raises(ValueError, match=f"utility of problem 'p-{draw.items[1]}'.* 7.0"):
        late.ask(2)
    assert draw.ticket not in [each.ticket for each in late.curriculum.outstanding]
    late.ask(2)


def test_the_loop_takes_it_as_it_takes_the_curriculum():
    class Constant:
        def learn(self, items):
            each = np.ones((len(items), 2))
            return Rollouts(each * [1.0, 0.0], log_ratio=each * 0.1, lengths=each)

        def evaluate(self):
            return {}

    late = make(2)
    rows = run(late, Constant(), steps=5, batch_size=4, progress=False)
    assert len(rows) == 6
    assert len(late.curriculum.outstanding) == 3  # two steps, and the last, after which nothing was asked
    assert np.isfinite(rows[-1]["entropy"])


def test_a_negative_delay_is_refused():
    with pytest.raises(ValueError, match="steps is -1"):
        make(-1)


def test_an_answer_that_is_interrupted_is_given_again():
    delayed = Delayed(methods.osmd(ProblemBank([f"problem {i}" for i in range(6)]), seed=0), 1)
    for value in (0.1, 0.2):
        delayed.tell(delayed.ask(2), [value] * 2)
    update, heard = delayed.curriculum.bandit.update, []

    def interrupted(selection, values, **extra):
        heard.append(values.tolist())
        if len(heard) == 1:
            raise KeyboardInterrupt
        update(selection, values, **extra)

    delayed.curriculum.bandit.update = interrupted
    with pytest.raises(KeyboardInterrupt):
        delayed.ask(2)
    delayed.ask(2)
    assert heard == [[0.1, 0.1], [0.1, 0.1]]
