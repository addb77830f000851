"""Every method keeps every law, and for every law there is a curriculum that breaks it and is caught."""

import contextlib
import itertools
from typing import ClassVar

import numpy as np
import pytest

from curriculum_bandits import Curriculum, Draw, Feedback, ProblemBank, Ticket
from curriculum_bandits.bandits import Osmd, ScaleFree, Selection
from curriculum_bandits.curriculum import _Open
from curriculum_bandits.methods.registry import declared, find_method, parse_curriculum
from curriculum_bandits.signals import success_rate
from curriculum_bandits.state import Array
from curriculum_bandits.testing import ConformanceError, CurriculumConformance, check_curriculum

N = 24
PROMPTS, IDS = [f"prompt {i}" for i in range(N)], [f"problem-{i}" for i in range(N)]
BANK = ProblemBank(PROMPTS, ids=IDS)
LEVELS = np.where(np.arange(N) < 18, 0.05, 0.6)  # success rates of a reference model
COLUMNS = {"weak_pass_rate": LEVELS * 0.8, "strong_pass_rate": LEVELS}
PARTS = {
    "groups": ["ab"[i % 2] if i < 18 else "c" for i in range(N)],
    "difficulty": np.arange(N) // 6,
    "features": np.column_stack([5 * (np.arange(N) // 6), np.arange(N) % 6]),
}
FULL = ProblemBank(PROMPTS, ids=IDS, columns=COLUMNS, **PARTS)
QUICK = {"draws": 500, "long_run": 100, "rounds_to_learn": 120}

# Beside every declared method with its example: other choices of it that share little code with the default.
OTHERS = {
    "osmd(arms=problems)": {},
    "osmd(signal=absolute_advantage)": {},
    "osmd(step=0.02, share=0.02, utility_range=(0, 1))": {},
    "sec(temperature=0.2, unheard=decay)": {},
    "tscl(variant=window)": {"learns": False},  # utilities that do not change have a slope of 0
    "e2h(steps=50, schedule=gaussian)": {},
}


def suite(make, **settings):
    return type("Suite", (CurriculumConformance,), {**QUICK, **settings, "make": staticmethod(make)})()


def check(method, law):
    """Put a method, by its name or with settings, through a law, as its declaration says."""
    named = parse_curriculum(method) if method in OTHERS else None
    found = named.method if named else find_method(method)
    settings = named.settings if named else found.example
    laws = {**found.laws, **OTHERS.get(method, {})}
    suite(lambda seed=0: found.make(FULL, seed=seed, **settings), **laws).check([law])


@pytest.mark.parametrize("law", CurriculumConformance.laws())
@pytest.mark.parametrize("method", [*declared(), *OTHERS])
def test_our_methods_keep_every_law(method, law):
    check(method, law)


# A sound curriculum, and what can go wrong with it


class Sound(Curriculum):
    bandit_class = Osmd

    def __init__(self, seed=0):
        bandit = self.bandit_class(N, step=ScaleFree(memory=50), floor=0.1)
        super().__init__(BANK, bandit, success_rate, name="sound", seed=seed)


FAULTS = []


def breaks(law, message, **settings):
    """Mark a curriculum as one that breaks this law."""

    def mark(fault):
        FAULTS.append(pytest.param(fault, law, message, settings, id=f"{law}-{fault.__name__}"))
        return fault

    return mark


def put(curriculum, draw):
    """Make the curriculum believe that this is what it issued."""
    curriculum._outstanding[draw.ticket.serial] = _Open(draw, curriculum._selection_of(draw))


class Redraws(Sound):
    """Issues another draw than the one that was made."""

    def altered(self, draw):
        return draw

    def ask(self, size):
        draw = self.altered(super().ask(size))
        put(self, draw)
        return draw


@breaks("a_draw_is_a_sound_ticket", "holds a problem twice")
class DrawsAProblemTwice(Redraws):
    def altered(self, draw):
        return Draw(np.append(draw.items[1:], draw.items[-1]), draw.probability, draw.inclusion, draw.ticket)


@breaks("a_draw_is_a_sound_ticket", "3 are drawn")
class DrawsOneLess(Sound):
    def ask(self, size):
        return super().ask(max(1, size - 1))


@breaks("a_draw_is_a_sound_ticket", "two draws have the ticket")
class GivesEveryDrawTheSameTicket(Sound):
    def ask(self, size):
        self._serial = 0
        return super().ask(size)


@breaks("a_draw_is_read_only", "can be written into")
class LeavesTheDrawOpenToWriting(Redraws):
    def altered(self, draw):
        object.__setattr__(draw, "inclusion", draw.inclusion.copy())
        return draw


@breaks("a_draw_is_read_only", "change after it was issued")
class OverwritesEarlierDraws(Redraws):
    def altered(self, draw):
        for earlier in self.outstanding:
            object.__setattr__(earlier, "inclusion", draw.inclusion)
        return draw


@breaks("inclusion_is_the_number_to_divide_by", "not the number to divide by")
class ForgetsTheSizeOfTheBatch(Redraws):
    def altered(self, draw):
        return Draw(draw.items, draw.probability, draw.probability, draw.ticket)


@breaks("an_impossible_batch_is_refused", "a batch of 0 is accepted")
class GivesWhatItHas(Sound):
    def ask(self, size):
        return super().ask(min(max(size, 1), N))


@breaks("an_impossible_batch_is_refused", "leaves a trace")
class CountsBeforeItRefuses(Sound):
    def ask(self, size):
        self._serial += 1
        return super().ask(size)


@breaks("randomness_comes_from_the_seed", "a global random generator is used")
class UsesTheGlobalGenerator(Sound):
    def ask(self, size):
        np.random.rand()  # noqa: NPY002 - the fault
        return super().ask(size)


@breaks("randomness_comes_from_the_seed", "of the same seed draw differently")
class IgnoresTheSeed(Sound):
    clock = itertools.count()

    def __init__(self, seed=0):
        super().__init__(next(self.clock))


@breaks("randomness_comes_from_the_seed", "two seeds give the same draws")
class HasOneSeedOnly(Sound):
    def __init__(self, seed=0):
        super().__init__(0)


@breaks("draws_are_answered_in_any_order", "already answered or discarded")
class RemembersTheLastDrawOnly(Sound):
    def ask(self, size):
        self._outstanding.clear()
        return super().ask(size)


@breaks("a_late_answer_uses_the_inclusion_of_its_draw", "with other numbers")
class RecomputesThePropensity(Sound):
    def tell(self, draw, feedback):
        p = self.bandit.probabilities()[draw.items]
        put(self, Draw(draw.items, p, len(draw) * p, draw.ticket))
        super().tell(draw, feedback)


@breaks("a_draw_is_answered_once", "telling an answered draw is accepted")
class TakesEveryAnswer(Sound):
    def tell(self, draw, feedback):
        if draw.ticket.serial in self._outstanding:
            super().tell(draw, feedback)


@breaks("a_draw_is_answered_once", "discarding an answered draw is accepted")
class DiscardsAnything(Sound):
    def discard(self, draw):
        self._outstanding.pop(draw.ticket.serial, None)


@breaks("a_draw_is_answered_once", "telling a draw of another run is accepted")
class TakesTheDrawsOfOthers(Sound):
    def _claim(self, draw):
        own = Ticket(self._run, self.outstanding[-1].ticket.serial if draw.ticket.run != self._run else 0)
        return super()._claim(draw if draw.ticket.run == self._run else self._outstanding[own.serial].draw)


@breaks("a_draw_is_answered_once", "other items than were issued is accepted")
class LooksAtTheNumberOnly(Sound):
    def _claim(self, draw):
        issued = self._outstanding.get(draw.ticket.serial)
        return super()._claim(draw if issued is None else issued.draw)


@breaks("a_missing_value_is_not_a_zero", "what a zero does")
class TakesMissingForZero(Sound):
    def tell(self, draw, feedback):
        if isinstance(feedback, Feedback) and np.any(feedback.answered):
            feedback = np.where(feedback.answered, feedback.values, 0.0)
        super().tell(draw, feedback)


@breaks("a_missing_value_is_not_a_zero", "all is missing teaches something")
class LearnsFromSilence(Sound):
    def tell(self, draw, feedback):
        if isinstance(feedback, Feedback) and not np.any(feedback.answered):
            feedback = np.zeros(len(draw))
        super().tell(draw, feedback)


@breaks("a_missing_value_is_not_a_zero", "in the place of a missing value is read")
class ReadsWhatIsMissing(Sound):
    def tell(self, draw, feedback):
        if isinstance(feedback, Feedback):
            feedback = Feedback(feedback.values, np.where(np.isfinite(feedback.values), 1, feedback.counts))
        super().tell(draw, feedback)


@breaks("a_bad_utility_is_refused_by_the_id_of_its_problem", "does not name problem-")
class NamesThePositionOnly(Sound):
    def _refusal(self, item, value, remedy):
        return ValueError(f"the utility of item {item} is {value}")


@breaks("a_bad_utility_is_refused_by_the_id_of_its_problem", "leaves a trace")
class ClosesTheDrawFirst(Sound):
    def tell(self, draw, feedback):
        try:
            super().tell(draw, feedback)
        finally:
            self._outstanding.pop(draw.ticket.serial, None)


@breaks("a_bad_utility_is_refused_by_the_id_of_its_problem", "a utility of nan is accepted")
class RepairsWhatIsBroken(Sound):
    def tell(self, draw, feedback):
        super().tell(draw, np.nan_to_num(getattr(feedback, "values", feedback)))


@breaks("answers_of_the_wrong_length_are_refused", "one number for all problems is accepted")
class SpreadsOneNumber(Sound):
    def tell(self, draw, feedback):
        super().tell(draw, np.full(len(draw), feedback) if np.ndim(feedback) == 0 else feedback)


@breaks("answers_of_the_wrong_length_are_refused", "one utility too many is accepted")
class CutsWhatIsTooLong(Sound):
    def tell(self, draw, feedback):
        long = isinstance(feedback, np.ndarray) and feedback.shape > (len(draw),)
        super().tell(draw, feedback[: len(draw)] if long else feedback)


@breaks("answers_are_read_not_kept", "tell changes the array")
class ChangesWhatItIsTold(Sound):
    def tell(self, draw, feedback):
        feedback -= np.mean(feedback)
        super().tell(draw, feedback)


@breaks("answers_are_read_not_kept", "tell keeps the array")
class KeepsWhatItIsTold(Sound):
    latest = np.zeros(4)

    def tell(self, draw, feedback):
        super().tell(draw, feedback)
        self.latest = feedback

    STATE: ClassVar = {"latest": Array()}


@breaks("the_signal_keeps_missing_apart_from_zero", "a problem without a reward has a count of 6, value 0.0")
class CountsMissingRewardsAsFailures(Sound):
    def signal(self, rollouts):
        rewards = np.nan_to_num(rollouts.rewards)
        return Feedback(np.mean(rewards, axis=1), np.full(len(rewards), rewards.shape[1]))


@breaks("the_signal_keeps_missing_apart_from_zero", "problems with rewards have counts")
class DropsFailures(Sound):
    def signal(self, rollouts):
        rate = np.nan_to_num(np.mean(rollouts.rewards, axis=1))
        return Feedback(rate, (rate > 0) * 6)


@breaks("integer_utilities_teach", "of the draws where chance gives 25%")
class NeverListens(Sound):
    def tell(self, draw, feedback):
        self.discard(draw)


class Naive(Osmd):
    """Weights that are multiplied for ever."""

    def __init__(self, n_arms, **settings):
        super().__init__(n_arms)
        self.weights = np.ones(n_arms)

    def select(self, size, rng, candidates=None):
        with np.errstate(all="ignore"):
            p = self.weights / np.sum(self.weights)
        arms = rng.permutation(self.n_arms)[:size]
        return Selection(arms, p[arms], np.full(size, size / self.n_arms))

    def update(self, selection, values, **extra):
        with np.errstate(all="ignore"):
            self.weights[selection.arms] *= np.exp(10 * values / selection.inclusion)


@breaks("a_long_run_stays_finite", "a draw records probability [")
class Overflows(Sound):
    bandit_class = Naive


@breaks("a_fresh_curriculum_is_fresh", "working with one curriculum changes another")
class SharesItsBandit(Sound):
    everyones = Osmd(N, plays=4, step=0.05)

    def __init__(self, seed=0):
        super().__init__(seed)
        self.bandit = self.everyones


@breaks("a_saved_curriculum_continues_bit_for_bit", "already answered or discarded")
class ForgetsItsOpenDraws(Sound):
    def load_state_dict(self, state):
        super().load_state_dict({**state, "outstanding": []})

    def state_dict(self):
        return {**super().state_dict(), "outstanding": []}


@breaks("a_saved_curriculum_continues_bit_for_bit", "a restored curriculum draws otherwise")
class ForgetsItsRandomState(Sound):
    def state_dict(self):
        return {**super().state_dict(), "rng": np.random.default_rng(0).bit_generator.state}


@breaks("a_saved_curriculum_continues_bit_for_bit", "the state cannot be saved")
class NeedsPickle(Sound):
    def state_dict(self):
        return {**super().state_dict(), "signal": self._signal}


@breaks("a_saved_state_is_a_snapshot", "the state that was taken changes")
class ReturnsItsOwnList(Sound):
    def __init__(self, seed=0):
        self.log = []
        super().__init__(seed)

    def ask(self, size):
        self.log.append(size)
        return super().ask(size)

    def state_dict(self):
        return {**super().state_dict(), "log": self.log}

    def load_state_dict(self, state):
        super().load_state_dict({name: entry for name, entry in state.items() if name != "log"})


class Follows(Array):
    def checked(self, saved, present, owner):
        return saved


class Follower(Osmd):
    STATE: ClassVar = {"_probability": Follows()}


@breaks("a_saved_state_is_a_snapshot", "writing into the state that was loaded")
class FollowsTheStateItWasGiven(Sound):
    bandit_class = Follower


@breaks("a_foreign_state_is_refused", "an empty state is accepted")
class SwallowsErrors(Sound):
    def load_state_dict(self, state):
        with contextlib.suppress(Exception):
            super().load_state_dict(state)


@breaks("a_foreign_state_is_refused", "state['bank_fingerprint'] is another's is accepted")
class LoadsTheStateOfAnotherBank(Sound):
    def load_state_dict(self, state):
        for name in self.state_dict():
            state[name]
        super().load_state_dict({**state, "bank_fingerprint": self.bank.fingerprint})


@breaks("a_foreign_state_is_refused", "leaves a trace (state['serial'] differs)")
class LoadsHalf(Sound):
    def load_state_dict(self, state):
        self._serial = state["serial"]
        super().load_state_dict(state)


def test_the_sound_curriculum_is_sound():
    assert not check_curriculum(Sound, **QUICK)


@pytest.mark.parametrize(("fault", "law", "message", "settings"), FAULTS)
def test_a_fault_is_caught_by_its_law(fault, law, message, settings):
    with pytest.raises(ConformanceError) as caught:
        suite(fault, **settings).check([law])
    assert message in caught.value.failures[law]


def test_every_law_catches_a_fault():
    assert {fault.values[1] for fault in FAULTS} == set(CurriculumConformance.laws())


def test_a_curriculum_that_states_no_inclusion_is_excused():
    class Silent(Redraws):
        def altered(self, draw):
            return Draw(draw.items, draw.probability, None, draw.ticket)

        def tell(self, draw, feedback):
            self.discard(draw)

    law = "inclusion_is_the_number_to_divide_by"
    assert suite(Silent).check([law]) == {law: "no inclusion is stated"}
