"""The laws of a curriculum: what a trainer takes for granted about ask and tell, whatever decides behind them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from curriculum_bandits._typing import FloatArray, IntArray
from curriculum_bandits.bank import ProblemBank
from curriculum_bandits.draw import Draw, Feedback, Ticket
from curriculum_bandits.rollouts import Rollouts
from curriculum_bandits.testing._assertions import (
    damaged,
    difference,
    expect,
    expect_refusal,
    expect_same,
    expect_sound,
    expect_unbiased,
    global_randomness,
    not_applicable,
    scribbled,
    stored,
)
from curriculum_bandits.testing.suite import Conformance, configured

__all__ = ["AskAndTell", "CurriculumConformance", "check_curriculum"]


class AskAndTell(Protocol):
    """The part of a curriculum that a trainer needs; `curriculum_bandits.Curriculum` is one.

    Attributes:
        bank: The problems.
    """

    bank: ProblemBank

    def ask(self, size: int) -> Draw:
        """Draw a batch of so many problems."""
        ...

    def tell(self, draw: Draw, feedback: Rollouts | Feedback | npt.ArrayLike) -> None:
        """Answer a draw with one utility per problem, or the rollouts that they are read from."""
        ...

    def discard(self, draw: Draw) -> None:
        """Give up a draw that is not answered yet."""
        ...

    def signal(self, rollouts: Rollouts) -> Feedback:
        """One utility per problem, from rollouts with one row per problem."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """All that `load_state_dict` needs."""
        ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
        ...


class CurriculumConformance(Conformance):
    """Put a curriculum through every law: subclass, write `make`, and say what does not apply.

    Give the bank ids that are not mere numbers, so that an error that names one can be told from one that does not.

    Attributes:
        batch_size: Problems per batch that the laws ask for; at least 3 and at most half of the bank.
        utility_range: (lo, hi) of the utilities that the laws pay.
        good_and_other: What the problems of `good_items` and the others pay in the law of learning; None is (hi, lo).
            For a method that seeks a success rate of one half, for instance, (0.5, 0.0).
        distinct: No problem is drawn twice in a batch.
        learns: It listens to utilities.
        rounds_to_learn: Rounds within which the problems of `good_items` must be drawn half as often again as at first.
        draws: Draws that the z-test counts.
        long_run: Rounds of the long run.

    >>> from curriculum_bandits import ProblemBank, methods
    >>> class TestMine(CurriculumConformance):
    ...     learns = False
    ...     def make(self, seed=0):
    ...         return methods.uniform(ProblemBank([f"problem {i}" for i in range(12)]), seed=seed)
    >>> TestMine().check(["a_draw_is_answered_once", "draws_are_answered_in_any_order"])
    {}
    """

    batch_size: int = 4
    utility_range: tuple[float, float] = (0.0, 1.0)
    good_and_other: tuple[float, float] | None = None
    distinct: bool = True
    learns: bool = True
    rounds_to_learn: int = 300
    draws: int = 3000
    long_run: int = 500

    def make(self, seed: int = 0) -> AskAndTell:
        """A new curriculum over the same bank, the same one for the same seed of its draws."""
        raise NotImplementedError("write make(self, seed=0), which returns the curriculum under test")

    def good_items(self, bank: ProblemBank) -> IntArray:
        """Indices of problems that pay in the law of learning, in a pattern that the curriculum can find.

        They are those of the last group, or without groups the last quarter of the bank.
        """
        if bank.groups is not None:
            return np.flatnonzero(bank.groups == np.max(bank.groups))
        return np.arange(len(bank))[-max(1, len(bank) // 4) :]

    def rollouts(self, rewards: npt.ArrayLike) -> Rollouts:
        """Rollouts with everything that the curriculum's signal reads, from rewards of shape (m, n).

        They have lengths and log-probabilities before and after; add what else is needed.
        """
        shape, rng = np.shape(rewards), np.random.default_rng(0)
        before = rng.normal(-10.0, 1.0, shape)
        after = before + rng.normal(0.0, 0.2, shape)
        return Rollouts(
            np.asarray(rewards, dtype=np.float64),
            logprobs_before=before,
            logprobs_after=after,
            lengths=np.full(shape, 5.0),
        )

    # Asking

    def test_a_draw_is_a_sound_ticket(self) -> None:
        """As many problems as were asked for, distinct, with probabilities and a ticket of its own."""
        curriculum = self._warm()
        tickets = []
        for size in (1, self.batch_size):
            draw = curriculum.ask(size)
            tickets.append(draw.ticket)
            n = len(curriculum.bank)
            expect(len(draw) == size, f"{size} problems are asked for, {len(draw)} are drawn")
            expect(np.all((draw.items >= 0) & (draw.items < n)), f"items {draw.items} are not all within 0..{n - 1}")
            repeats = size - len(np.unique(draw.items))
            expect(not (self.distinct and repeats), f"{draw.items} holds a problem twice")
            expect_sound(draw.probability, draw.inclusion)
        expect(len(set(tickets)) == len(tickets), f"two draws have the ticket {tickets[0]}")

    def test_a_draw_is_read_only(self) -> None:
        """Its arrays refuse assignment, and no later event changes them."""
        curriculum = self._warm()
        draw = curriculum.ask(self.batch_size)
        for name, entry in draw.state_dict().items():
            if isinstance(entry, np.ndarray):
                expect(not entry.flags.writeable, f"draw.{name} can be written into; lock it")
        kept = copy.deepcopy(draw.state_dict())
        self._work(curriculum, 5)
        curriculum.tell(draw, self._utilities(draw))
        expect_same(kept, draw.state_dict(), "the numbers of a draw change after it was issued")

    def test_inclusion_is_the_number_to_divide_by(self) -> None:
        """The mean of sum 1/inclusion over many draws is 1 for every problem that is drawn.

        The inclusion of a draw among candidates counts given these, so P(the problem is a candidate) is multiplied in.
        """
        curriculum = self._warm()
        items, inclusion = [], []
        for _ in range(self.draws):
            draw = curriculum.ask(self.batch_size)
            curriculum.discard(draw)
            items.append(draw.items)
            inclusion.append(_inclusion_over_the_bank(draw, len(curriculum.bank)))
        expect_unbiased(np.array(items), np.array(inclusion), len(curriculum.bank), "problem")

    def test_an_impossible_batch_is_refused(self) -> None:
        """No problems, fewer, more than there are or half a one are errors, and no draw is issued."""
        curriculum = self._warm()
        too_many = (len(curriculum.bank) + 1,) if self.distinct else ()
        for size in (0, -1, *too_many):
            call = partial(curriculum.ask, size)
            expect_refusal(f"a batch of {size}", call, curriculum.state_dict, naming=(str(size),))
        half: Any = 1.5
        refusal = (ValueError, TypeError)
        expect_refusal(f"a batch of {half}", lambda: curriculum.ask(half), curriculum.state_dict, errors=refusal)

    def test_randomness_comes_from_the_seed(self) -> None:
        """The same seed gives the same draws, another seed gives others, and global generators are not touched."""
        before = global_randomness()
        one, same, other = (self._work(self.make(seed), 20) for seed in (1, 1, 2))
        expect_same(before, global_randomness(), "a global random generator is used; own one")
        expect_same(one, same, "two curricula of the same seed draw differently")
        expect(difference(one, other) is not None, "two seeds give the same draws")

    # Telling

    def test_draws_are_answered_in_any_order(self) -> None:
        """Several draws may be open; they are answered late, in any order, or given up."""
        curriculum = self._warm()
        draws = [curriculum.ask(self.batch_size) for _ in range(4)]
        curriculum.tell(draws[2], self._utilities(draws[2]))
        curriculum.discard(draws[1])
        curriculum.tell(draws[3], self._utilities(draws[3]))
        curriculum.tell(draws[0], self._utilities(draws[0]))
        self._work(curriculum, 3)

    def test_a_late_answer_uses_the_inclusion_of_its_draw(self) -> None:
        """What the bandit inside hears of a draw is the same at once and after it has learned from others."""
        late = self._warm()
        if not hasattr(getattr(late, "bandit", None), "update"):
            not_applicable("there is no bandit inside to listen to")
        if not self.learns:
            not_applicable("it does not learn")
        draw, *others = [late.ask(self.batch_size) for _ in range(6)]
        at_once = self._twin(late)
        for other in others:
            late.tell(other, self._utilities(other))
        heard = [_heard(curriculum, draw, self._utilities(draw)) for curriculum in (at_once, late)]
        expect_same(heard[0], heard[1], "a late answer reaches the bandit with other numbers than one given at once")

    def test_a_draw_is_answered_once(self) -> None:
        """A draw that was answered, given up, forged, never issued or issued by another run is an error."""
        curriculum = self._warm()
        told, given_up, issued = (curriculum.ask(self.batch_size) for _ in range(3))
        curriculum.tell(told, self._utilities(told))
        curriculum.discard(given_up)
        foreign = self.make().ask(self.batch_size)
        unknown = Draw(issued.items, issued.probability, None, Ticket(issued.ticket.run, 10**6))
        forged = Draw((issued.items + 1) % len(curriculum.bank), issued.probability, issued.inclusion, issued.ticket)
        for what, draw in {
            "an answered draw": told,
            "a discarded draw": given_up,
            "a draw of another run": foreign,
            "a draw that was never issued": unknown,
            "a draw with other items than were issued": forged,
        }.items():
            utilities = self._utilities(draw)
            expect_refusal(f"telling {what}", partial(curriculum.tell, draw, utilities), curriculum.state_dict)
            expect_refusal(f"discarding {what}", partial(curriculum.discard, draw), curriculum.state_dict)

    def test_a_missing_value_is_not_a_zero(self) -> None:
        """A count of 0 says nothing, whatever stands in its place; all missing teaches as little as giving up."""
        start = self._warm()
        draw = start.ask(self.batch_size)
        values, one = self._utilities(draw), np.zeros(len(draw), dtype=np.int64)
        one[0] = 1

        def after(feedback: Feedback | None) -> Any:
            twin = self._twin(start)
            if feedback is None:
                twin.discard(draw)
            else:
                twin.tell(draw, feedback)
            return twin.state_dict()

        partial = [after(Feedback(np.where(one > 0, values, filler), one)) for filler in (np.nan, np.inf, 0.0)]
        for other in partial[1:]:
            expect_same(partial[0], other, "what stands in the place of a missing value is read")
        silent = after(Feedback(np.full(len(draw), np.nan), np.zeros(len(draw), dtype=np.int64)))
        expect_same(after(None), silent, "an answer in which all is missing teaches something")
        if self.learns:
            zeros = after(Feedback(np.where(one > 0, values, self.utility_range[0]), np.ones_like(one)))
            expect(difference(partial[0], zeros) is not None, "a missing value teaches what a zero does")

    def test_a_bad_utility_is_refused_by_the_id_of_its_problem(self) -> None:
        """A utility that is not finite is an error that names the problem; the draw stays open."""
        curriculum = self._warm()
        draw = curriculum.ask(self.batch_size)
        name = str(curriculum.bank.ids[draw.items[1]])
        for bad in (np.nan, np.inf, -np.inf):
            values = self._utilities(draw)
            values[1] = bad
            for answer in (values, Feedback(values, np.ones(len(draw), dtype=np.int64))):
                call, what = partial(curriculum.tell, draw, answer), f"a utility of {bad}"
                expect_refusal(what, call, curriculum.state_dict, naming=(name,))
                expect_refusal(what, call, curriculum.state_dict, naming=(str(bad),))
        curriculum.tell(draw, self._utilities(draw))

    def test_answers_of_the_wrong_length_are_refused(self) -> None:
        """One number per problem: not one for all, not one less, not one more, not a matrix."""
        curriculum = self._warm()
        draw = curriculum.ask(self.batch_size)
        fine = self._utilities(draw)
        short = Feedback(fine[:-1], np.ones(len(fine) - 1, dtype=np.int64))
        for what, answer in {
            "one utility too few": fine[:-1],
            "one utility too many": np.append(fine, fine[0]),
            "utilities with an axis too many": fine[None],
            "one number for all problems": fine[0],
            "Feedback of one problem too few": short,
        }.items():
            expect_refusal(what, partial(curriculum.tell, draw, answer), curriculum.state_dict)
        curriculum.tell(draw, fine)

    def test_answers_are_read_not_kept(self) -> None:
        """The array that `tell` is given is neither changed nor kept; it may be read-only."""
        curriculum = self._warm()
        first, second = (curriculum.ask(self.batch_size) for _ in range(2))
        values = self._utilities(first)
        kept = values.copy()
        curriculum.tell(first, values)
        expect_same(kept, values, "tell changes the array it is given")
        before = copy.deepcopy(curriculum.state_dict())
        scribbled(values)
        expect_same(before, curriculum.state_dict(), "tell keeps the array it was given; keep a copy")
        kept.setflags(write=False)
        curriculum.tell(second, kept)

    def test_the_signal_keeps_missing_apart_from_zero(self) -> None:
        """A problem without a single reward has a count of 0; one whose rewards are all 0 has a finite value."""
        curriculum = self._warm()
        draw = curriculum.ask(self.batch_size)
        rewards = np.tile([1.0, 0.0, 1.0, 0.0, 0.0, 1.0], (len(draw), 1))
        rewards[0] = np.nan
        rewards[1, :2] = np.nan
        rewards[2] = 0.0
        feedback = curriculum.signal(self.rollouts(rewards))
        counts, values = feedback.counts, feedback.values
        expect(len(feedback) == len(draw), f"the signal of {len(draw)} problems has {len(feedback)} values")
        expect(counts[0] == 0, f"a problem without a reward has a count of {counts[0]}, value {values[0]}")
        expect(np.all(counts[1:] > 0), f"problems with rewards have counts {counts[1:]}")
        expect(counts[1] < counts[-1], f"missing rewards are counted: {counts}")
        expect(np.all(np.isfinite(values[1:])), f"problems with rewards have values {values[1:]}")
        if np.all((values[1:] >= self.utility_range[0]) & (values[1:] <= self.utility_range[1])):
            curriculum.tell(draw, feedback)

    def test_integer_utilities_teach(self) -> None:
        """Within `rounds_to_learn` the problems that pay are drawn half as often again as at first."""
        if not self.learns:
            not_applicable("it does not learn")
        curriculum = self.make()
        good = self.good_items(curriculum.bank)
        good_and_other = self.good_and_other or (self.utility_range[1], self.utility_range[0])
        hi, lo = (int(end) if float(end).is_integer() else end for end in good_and_other)
        shares = []
        for _ in range(self.rounds_to_learn):
            draw = curriculum.ask(self.batch_size)
            pays = np.isin(draw.items, good)
            curriculum.tell(draw, np.where(pays, hi, lo))
            shares.append(float(np.mean(pays)))
        share, chance = float(np.mean(shares[-len(shares) // 4 :])), len(good) / len(curriculum.bank)
        expect(
            share >= min(1.5 * chance, 0.5 * (1.0 + chance)),
            f"{len(good)} problems pay {hi} and the others {lo}, but after {self.rounds_to_learn} rounds they get "
            f"{share:.0%} of the draws where chance gives {chance:.0%}",
        )

    def test_a_long_run_stays_finite(self) -> None:
        """Whatever it was told, for a problem and then against it, its draws stay sound."""
        curriculum = self.make()
        for t in range(self.long_run):
            draw = curriculum.ask(self.batch_size)
            first = draw.items < len(curriculum.bank) // 2
            lo, hi = self.utility_range
            curriculum.tell(draw, np.where(first == (2 * t < self.long_run), hi, lo))
            expect_sound(draw.probability, draw.inclusion)

    # Keeping

    def test_a_fresh_curriculum_is_fresh(self) -> None:
        """Nothing leaks from one curriculum into another."""
        bystander = self.make(3)
        expected = self._work(self.make(3), 15)
        self._warm()
        expect_same(expected, self._work(bystander, 15), "working with one curriculum changes another")
        expect_same(expected, self._work(self.make(3), 15), "a curriculum made after another has worked is not fresh")

    def test_a_saved_curriculum_continues_bit_for_bit(self) -> None:
        """Its state, open draws included, goes through a checkpoint without pickle and continues in every bit."""
        original = self._warm()
        draws = [original.ask(self.batch_size) for _ in range(3)]
        try:
            state = stored(original.state_dict())
        except TypeError as error:
            raise AssertionError(f"the state cannot be saved: {error}") from error
        twin = self.make(99)
        twin.load_state_dict(state)
        expect_same(original.state_dict(), twin.state_dict(), "a restored state is not the one that was saved")
        for curriculum in (original, twin):
            curriculum.tell(draws[1], self._utilities(draws[1]))
            curriculum.discard(draws[2])
        expect_same(self._work(original, 15), self._work(twin, 15), "a restored curriculum draws otherwise")
        for curriculum in (original, twin):
            curriculum.tell(draws[0], self._utilities(draws[0]))
        expect_same(original.state_dict(), twin.state_dict(), "a restored curriculum learns otherwise")

    def test_a_saved_state_is_a_snapshot(self) -> None:
        """A state that was taken does not follow the curriculum, nor the curriculum a state it was given."""
        curriculum, twin = self._warm(), self.make(99)
        draw = curriculum.ask(self.batch_size)
        state = curriculum.state_dict()
        kept = copy.deepcopy(state)
        curriculum.tell(draw, self._utilities(draw))
        self._work(curriculum, 5)
        expect_same(kept, state, "the state that was taken changes with the curriculum; return copies")
        twin.load_state_dict(state)
        scribbled(state)
        expect_same(kept, twin.state_dict(), "writing into the state that was loaded changes the curriculum")

    def test_a_foreign_state_is_refused(self) -> None:
        """A state that is incomplete, of another kind or of another shape is an error that leaves no trace."""
        curriculum, donor = self._warm(), self._warm(rounds=7)
        donor.ask(self.batch_size)
        for what, wrong in damaged(donor.state_dict()):
            refusal = (ValueError, KeyError, TypeError)
            expect_refusal(what, partial(curriculum.load_state_dict, wrong), curriculum.state_dict, errors=refusal)

    # What the laws are made of

    def _utilities(self, draw: Draw) -> FloatArray:
        """Utilities that differ from problem to problem."""
        lo, hi = self.utility_range
        return np.asarray(lo + (hi - lo) * np.modf(0.1 + 0.618 * draw.items)[0])

    def _work(self, curriculum: AskAndTell, rounds: int) -> list[Any]:
        """Ask and tell; returns all that was drawn."""
        seen: list[Any] = []
        for _ in range(rounds):
            draw = curriculum.ask(self.batch_size)
            seen.append(copy.deepcopy((draw.items, draw.probability, draw.inclusion)))
            curriculum.tell(draw, self._utilities(draw))
        return seen

    def _warm(self, rounds: int = 20) -> AskAndTell:
        """A curriculum that has learned something."""
        curriculum = self.make()
        self._work(curriculum, rounds)
        return curriculum

    def _twin(self, curriculum: AskAndTell) -> AskAndTell:
        """Another one in the same state."""
        twin = self.make(99)
        twin.load_state_dict(copy.deepcopy(curriculum.state_dict()))
        return twin


def check_curriculum(make: Callable[..., AskAndTell], **settings: Any) -> dict[str, str]:
    """Try every law on a curriculum.

    Args:
        make: ``make(seed=0)`` returns a new curriculum over the same bank, the same one for the same seed.
        **settings: Attributes of `CurriculumConformance` by name: ``batch_size=8``, ``learns=False``, ...

    Returns:
        The laws that do not apply, each with the reason.

    Raises:
        ConformanceError: If a law is broken; it names all that are.
        TypeError: If there is no such attribute.
    """
    return configured(CurriculumConformance, make, settings).check()


def _heard(curriculum: AskAndTell, draw: Draw, utilities: FloatArray) -> Any:
    """What the bandit inside is told when a draw is answered."""
    bandit, heard = vars(curriculum)["bandit"], []
    update = bandit.update

    def listen(selection: Any, values: Any, **extra: Any) -> None:
        heard.append(copy.deepcopy((tuple(selection), values, extra)))
        update(selection, values, **extra)

    vars(bandit)["update"] = listen
    try:
        curriculum.tell(draw, utilities)
    finally:
        del vars(bandit)["update"]
    return heard


def _inclusion_over_the_bank(draw: Draw, n: int) -> FloatArray:
    """The number to divide by for sums over the whole bank."""
    if draw.inclusion is None:
        not_applicable("no inclusion is stated")
    if draw.candidates is None:
        return draw.inclusion
    if draw.candidate_inclusion is None:
        if len(draw.candidates) < n:
            not_applicable("inclusion is stated given the candidates, and that of the candidates is not")
        return draw.inclusion
    order = np.argsort(draw.candidates)
    places = order[np.searchsorted(draw.candidates, draw.items, sorter=order)]
    return np.asarray(draw.inclusion * draw.candidate_inclusion[places])
