"""Every episode is told once, with the draw it belongs to, whatever order episodes end in."""

import numpy as np
import pytest

pytest.importorskip("gymnasium")

from curriculum_bandits import Curriculum, Feedback, ProblemBank, methods
from curriculum_bandits.adapters.gym import TaskStream
from curriculum_bandits.bandits import ShuffledEpochs
from curriculum_bandits.signals import mean_reward, policy_improvement


def tasks(n=6):
    return ProblemBank([f"level {i}" for i in range(n)], ids=[f"level-{i}" for i in range(n)])


class Listener(ShuffledEpochs):
    """Remembers what it was told."""

    def __init__(self, n):
        super().__init__(n)
        self.told = []

    def update(self, selection, values, *, counts=None, kl=None, cost=None):
        self.told.append((selection.arms.tolist(), np.asarray(values).tolist()))


def make(batch_size=3, episodes=2, signal=mean_reward):
    bank = tasks()
    listener = Listener(len(bank))
    curriculum = Curriculum(bank, listener, signal, name="listener", seed=0)
    return TaskStream(curriculum, batch_size, episodes=episodes), listener


def test_a_draw_is_answered_when_all_its_episodes_are_done_and_after_an_update_only():
    stream, listener = make()
    played = [stream.begin() for _ in range(6)]
    assert [e.number for e in played] == list(range(6))
    for episode in played[:5]:
        stream.finish(episode.number, reward=float(episode.number), length=3)
    assert stream.answer() == []
    stream.finish(5, reward=5.0, length=3)
    assert listener.told == []
    (answered,) = stream.answer()
    assert answered.rollouts.rewards.tolist() == [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]
    assert listener.told == [(answered.draw.items.tolist(), [0.5, 2.5, 4.5])]
    assert [e.item for e in played] == np.repeat(answered.draw.items, 2).tolist()
    assert stream.answer() == []


def test_an_abandoned_episode_is_missing_and_one_given_back_is_played_again():
    stream, listener = make(batch_size=2, episodes=1)
    first, second = stream.begin(), stream.begin()
    stream.abandon(first.number)
    stream.give_back(second.number)
    again = stream.begin()
    assert (again.item, again.number) == (second.item, 2)
    stream.finish(again.number, reward=1.0, length=1)
    (answered,) = stream.answer()
    assert answered.feedback.counts.tolist() == [0, 1]
    assert listener.told == [([second.item], [1.0])]


def test_improvement_of_an_episode_over_two_updates_is_the_sum_of_both():
    stream, listener = make(batch_size=2, episodes=1, signal=policy_improvement)
    a, b = stream.begin().number, stream.begin().number
    stream.finish(a, reward=1.0, length=2)
    stream.credit([[a, b], [a, -1]], [[0.1, 0.2], [-0.1, 99.0]], [[1.0, 2.0], [-1.0, 99.0]], [[1.0, 2.0], [3.0, 99.0]])
    assert stream.answer() == []  # b still runs
    stream.finish(b, reward=0.0, length=2)
    stream.credit([b], [0.5], [-4.0], [0.0])
    (answered,) = stream.answer()
    rollouts = answered.rollouts
    expected = [np.expm1(0.1) - np.expm1(-0.1), 2 * np.expm1(0.2) - 4 * np.expm1(0.5)]
    np.testing.assert_allclose(rollouts.improvements[:, 0], expected)
    np.testing.assert_allclose(rollouts.absolute_advantages[:, 0], [1.0, 3.0])
    np.testing.assert_allclose(rollouts.value_losses[:, 0], [5.0, 2.0])
    kl = [(np.expm1(d) - d).mean() for d in (np.array([0.1, -0.1]), np.array([0.2, 0.5]))]
    np.testing.assert_allclose(rollouts.kl[:, 0], kl)
    np.testing.assert_allclose(listener.told[0][1], expected)


def test_what_was_credited_to_an_episode_that_was_broken_off_does_not_count():
    stream, _ = make(batch_size=1, episodes=1, signal=policy_improvement)
    number = stream.begin().number
    stream.credit([number], [0.5], [1.0])
    stream.give_back(number)
    again = stream.begin().number
    stream.finish(again, reward=1.0, length=1)
    stream.credit([again], [0.1], [1.0])
    (answered,) = stream.answer()
    np.testing.assert_allclose(answered.rollouts.improvements, [[np.expm1(0.1)]])


def test_without_credit_or_successes_those_fields_are_absent_and_the_signal_says_what_it_needs():
    stream, listener = make(batch_size=1, episodes=1, signal=policy_improvement)
    stream.finish(stream.begin().number, reward=1.0, length=1)
    with pytest.raises(ValueError, match="policy_improvement needs log-probabilities"):
        stream.answer()
    assert len(stream.curriculum.outstanding) == 1
    assert listener.told == []


def test_successes_are_passed_on():
    stream, _ = make(batch_size=1, episodes=2)
    for success in (1.0, 0.25):
        stream.finish(stream.begin().number, reward=-30.0, length=1, success=success)
    (answered,) = stream.answer()
    assert answered.rollouts.successes.tolist() == [[1.0, 0.25]]


def test_a_diverged_policy_names_the_task_and_credits_nothing():
    stream, _ = make(batch_size=1, episodes=1, signal=policy_improvement)
    number = stream.begin().number
    stream.finish(number, reward=1.0, length=2)
    with pytest.raises(
        ValueError, match=r"improvements of an episode of the task 'level-.' would not be finite, .*nan"
    ):
        stream.credit([number, number], [0.1, np.nan], [1.0, 1.0])
    with pytest.raises(ValueError, match="give one per step"):
        stream.credit([number], [0.1, 0.2], [1.0])
    with pytest.raises(ValueError, match="episode 7 is not open"):
        stream.credit([7], [0.1], [1.0])
    stream.credit([number], [0.0], [1.0])
    (answered,) = stream.answer()
    assert answered.rollouts.improvements.tolist() == [[0.0]]


def test_an_episode_ends_once():
    stream, _ = make()
    number = stream.begin().number
    stream.finish(number, reward=0.0, length=1)
    for ending in (lambda: stream.finish(number, reward=0.0, length=1), lambda: stream.abandon(number)):
        with pytest.raises(ValueError, match=f"episode {number} has already ended"):
            ending()
    with pytest.raises(ValueError, match="episode 99 is not open"):
        stream.give_back(99)


def test_at_the_end_an_episode_that_no_update_saw_is_missing_where_others_were_credited():
    stream, listener = make(batch_size=2, episodes=1, signal=policy_improvement)
    a, b = stream.begin(), stream.begin()
    for episode in (a, b):
        stream.finish(episode.number, reward=1.0, length=1)
    stream.credit([a.number], [0.1], [1.0])
    (answered,) = stream.close()
    assert answered.feedback.counts.tolist() == [1, 0]
    np.testing.assert_allclose(listener.told[0][1], [np.expm1(0.1)])


def test_a_resumed_stream_goes_on_bit_for_bit():
    def fresh():
        return TaskStream(methods.osmd(tasks(), seed=0, signal=mean_reward), batch_size=2, episodes=2)

    def go_on(stream):
        items = []
        for step in range(12):
            episode = stream.begin()
            items.append(episode.item)
            stream.finish(episode.number, reward=float(step % 3), length=1, success=0.5)
            stream.answer()
        return items, stream.curriculum.bandit.probabilities()

    stream = fresh()
    first = stream.begin()
    stream.finish(first.number, reward=2.0, length=1, success=1.0)
    stream.begin()  # still running when saved: its task is handed out again
    state = stream.state_dict()
    twin = fresh()
    twin.load_state_dict(state)
    stream.give_back(1)
    (items, probability), (twin_items, twin_probability) = go_on(stream), go_on(twin)
    assert items == twin_items
    assert probability.tobytes() == twin_probability.tobytes()


def play(stream, reward=1.0, **more):
    episode = stream.begin()
    stream.finish(episode.number, reward=reward, length=1, **more)
    return episode


def test_a_state_saved_between_an_end_and_its_credit_goes_on():
    stream, _ = make(batch_size=2, episodes=1, signal=policy_improvement)
    for _ in range(2):  # an update is made, so episodes are credited here
        stream.credit([play(stream).number], [0.1], [1.0])
    stream.answer()
    credited = play(stream)
    stream.credit([credited.number], [0.2], [1.0])
    waiting = play(stream)
    twin, listener = make(batch_size=2, episodes=1, signal=policy_improvement)
    twin.load_state_dict(stream.state_dict())
    assert twin.answer() == []
    again = play(twin)
    assert again.item == waiting.item
    twin.credit([again.number], [0.3], [1.0])
    (answered,) = twin.answer()
    np.testing.assert_allclose(answered.rollouts.improvements[:, 0], np.expm1([0.2, 0.3]))
    np.testing.assert_allclose(listener.told[0][1], np.expm1([0.2, 0.3]))


@pytest.mark.parametrize("ended", [1, 2])
def test_a_state_saved_before_the_first_update_goes_on_with_what_nobody_credits_missing(ended):
    stream, _ = make(batch_size=2, episodes=1, signal=policy_improvement)
    for _ in range(ended):
        play(stream)
    twin, listener = make(batch_size=2, episodes=1, signal=policy_improvement)
    twin.load_state_dict(stream.state_dict())
    later = play(twin)
    twin.credit([later.number], [0.1], [1.0])
    assert [answered.feedback.counts.tolist() for answered in twin.answer()] == ([[0, 1]] if ended == 1 else [])
    assert [len(told[0]) for told in listener.told] == ([1] if ended == 1 else [])
    assert len(twin.curriculum.outstanding) == ended - 1


def test_whether_episodes_are_credited_is_saved():
    stream, _ = make(batch_size=1, episodes=1)
    stream.credit([play(stream).number], [0.1], [1.0])
    stream.answer()  # no draw is open that would show it
    twin, _ = make(batch_size=1, episodes=1)
    twin.load_state_dict(stream.state_dict())
    play(twin)
    assert twin.close() == []  # nothing was credited to it


def test_an_episode_runs_until_it_ended_or_its_draw_is_closed():
    stream, _ = make(batch_size=2, episodes=1)
    assert not stream.is_running(0)
    first, second = stream.begin().number, stream.begin().number
    assert stream.is_running(first)
    stream.finish(first, reward=1.0, length=1)
    assert (stream.is_running(first), stream.is_running(second)) == (False, True)
    stream.close()
    assert not stream.is_running(second)


def test_at_the_end_before_any_credit_draws_that_cannot_be_judged_are_given_up():
    stream, listener = make(batch_size=2, episodes=1, signal=policy_improvement)
    play(stream)
    stream.begin()
    assert stream.close() == []
    assert stream.curriculum.outstanding == ()
    assert listener.told == []


def test_at_the_end_a_draw_that_is_refused_does_not_keep_the_others_from_their_answer():
    def picky(rollouts):
        if np.any(rollouts.rewards == 7.0):
            raise ValueError("no sevens")
        return mean_reward(rollouts)

    stream, listener = make(batch_size=1, episodes=1, signal=picky)
    for reward in (7.0, 2.0):
        stream.credit([play(stream, reward).number], [0.1], [1.0])
    with pytest.raises(ValueError, match="1 of the open draws could not be answered and were given up: no sevens"):
        stream.close()
    assert stream.curriculum.outstanding == ()
    assert [values for _, values in listener.told] == [[2.0]]
    assert stream.close() == []


def test_at_the_end_a_refused_utility_is_said_though_nothing_was_credited():
    stream, _ = make(batch_size=1, episodes=1)
    stream.curriculum.signal = lambda rollouts: Feedback(np.array([np.nan]), np.array([1]))
    play(stream)
    with pytest.raises(ValueError, match=r"utility of problem 'level-.' .* is nan"):
        stream.close()
    assert stream.curriculum.outstanding == ()


@pytest.mark.parametrize(
    ("log_ratio", "advantages", "errors", "what"),
    [
        ([0.1, 800.0], [1.0, 1.0], None, "improvements of an episode of the task 'level-.' would not be finite"),
        ([0.1, 800.0], [1.0, 0.0], None, "improvements of an episode of the task 'level-.' would not be finite"),
        ([0.1, 0.1], [1e308, 1e308], None, "advantages of an episode of the task 'level-.' would not be finite"),
        ([0.1, 0.1], [1.0, 1.0], [1e200, 0.0], "losses of an episode of the task 'level-.' would not be finite"),
    ],
)
def test_an_update_too_large_for_numbers_names_the_task_and_credits_nothing(log_ratio, advantages, errors, what):
    stream, _ = make(batch_size=2, episodes=1, signal=policy_improvement)
    good, bad = play(stream), play(stream)
    with pytest.raises(ValueError, match=what.replace("level-.", bad.task)):
        stream.credit(
            [good.number, bad.number, bad.number],
            [0.1, *log_ratio],
            [1.0, *advantages],
            None if errors is None else [1.0, *errors],
        )
    stream.credit([good.number, bad.number], [0.2, 0.3], [1.0, 1.0])
    (answered,) = stream.answer()
    np.testing.assert_allclose(answered.rollouts.improvements[:, 0], np.expm1([0.2, 0.3]))
