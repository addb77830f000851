"""The laws of a bandit: what `Curriculum` and the regret benchmarks take for granted about any of them."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from curriculum_bandits._typing import FloatArray, IntArray
from curriculum_bandits.bandits.contract import Bandit, RandomizedBandit, Selection
from curriculum_bandits.testing._assertions import (
    damaged,
    difference,
    expect,
    expect_expected_counts,
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

__all__ = ["BanditConformance", "check_bandit"]


_TINY_INCLUSION = 1e-3


class BanditConformance(Conformance):
    """Put a bandit through every law: subclass, write `make`, and say what does not apply.

    Attributes:
        plays: Plays per round that the laws ask for; below the number of arms.
        most_plays: The largest number of plays it grants; None if there is no limit.
        utility_range: (lo, hi) of the utilities that the laws pay.
        bounded: It refuses utilities outside `utility_range`.
        learns: It listens to utilities; if not, `update` may ignore whatever it is given.
        rounds_to_learn: Rounds within which it must have found arms that pay `hi` where all others pay `lo`.
        importance_weighted: It divides by the inclusion of a draw, so refuses one without.
        inclusion_is_marginal: The inclusion it records holds over all its histories, not in every one, as that of
            shuffled epochs.
        vectorized: `make` can be asked for several runs.
        takes_candidates: `select` can be restricted to candidates; if not, it refuses them.
        draws: Draws that the z-tests count.
        long_run: Updates of the long run; with an inclusion of 1/1000 each moves as far as a thousand rounds.

    >>> from curriculum_bandits.bandits import Osmd
    >>> class TestMine(BanditConformance):
    ...     def make(self, runs=None):
    ...         return Osmd(5, runs=runs)
    >>> TestMine().check(["probabilities_are_a_distribution"])
    {}
    """

    plays: int = 1
    most_plays: int | None = None
    utility_range: tuple[float, float] = (0.0, 1.0)
    bounded: bool = False
    learns: bool = True
    rounds_to_learn: int = 1000
    importance_weighted: bool = True
    inclusion_is_marginal: bool = False
    vectorized: bool = True
    takes_candidates: bool = False
    draws: int = 4000
    long_run: int = 1000

    def make(self, runs: int | None = None) -> Bandit:
        """A new bandit with at least 3 arms, the same one every time.

        Args:
            runs: Number of independent runs; None for one run without a leading axis.
        """
        raise NotImplementedError("write make(self, runs=None), which returns the bandit under test")

    # What is drawn

    def test_a_selection_has_the_shape_of_the_contract(self) -> None:
        """Arms, probability and inclusion have shape (..., m), and probability is p_t at the moment of the draw."""
        for runs, shape in self._shapes(self.plays):
            bandit, rng = self._warm(runs), np.random.default_rng(0)
            bandit.select(self.plays, rng)  # a bandit may adapt to the number of plays
            p = bandit.probabilities() if isinstance(bandit, RandomizedBandit) else None
            selection = bandit.select(self.plays, rng)
            for name, array in list(selection._asdict().items())[:3]:
                if name == "inclusion" and array is None:
                    continue
                expect(np.shape(array) == shape, f"{name} has shape {np.shape(array)}; with runs={runs} it is {shape}")
                kind = np.integer if name == "arms" else np.floating
                expect(np.issubdtype(np.asarray(array).dtype, kind), f"{name} is an array of {np.asarray(array).dtype}")
            arms = selection.arms
            expect(
                np.all((arms >= 0) & (arms < bandit.n_arms)), f"arms {arms} are not all within 0..{bandit.n_arms - 1}"
            )
            expect_sound(selection.probability, selection.inclusion)
            if p is not None:
                shown = np.take_along_axis(p, arms, axis=-1)
                expect(
                    np.allclose(selection.probability, shown, rtol=1e-9, atol=0.0),
                    f"the draw records probability {selection.probability}, probabilities() said {shown}",
                )

    def test_probabilities_are_a_distribution(self) -> None:
        """They have shape (..., K), are not negative, sum to 1, and are the caller's to write into."""
        for runs, shape in self._shapes(self.make().n_arms):
            bandit = self._randomized(self._warm(runs))
            p = bandit.probabilities()
            expect(p.shape == shape, f"probabilities() has shape {p.shape}; with runs={runs} it is {shape}")
            self._expect_distribution(p, "after a few rounds")
            kept = p.copy()
            scribbled(p)
            expect_same(kept, bandit.probabilities(), "writing into what probabilities() returned changes the bandit")

    def test_draws_follow_the_probabilities(self) -> None:
        """Arms are played as often as the distribution that is reported says."""
        arms, _, p = self._drawn(self._randomized(self._leaning()))
        expect(p is not None, "probabilities() is gone")
        expect_expected_counts(arms, self.plays * np.asarray(p))

    def test_inclusion_is_the_number_to_divide_by(self) -> None:
        """The mean of sum 1/inclusion over many draws is 1 for every arm."""
        arms, inclusion, _ = self._drawn(self._leaning())
        if inclusion is None:
            not_applicable("no inclusion is stated")
        expect_unbiased(arms, inclusion, self.make().n_arms, "arm")

    def test_runs_draw_independently(self) -> None:
        """Runs share no randomness: their draws add up as independent draws do."""
        self._skip_single()
        bandit, rng = self._warm(self.draws), np.random.default_rng(1)
        for _ in range(3):
            selection = bandit.select(self.plays, rng)
            if selection.inclusion is None:
                not_applicable("no inclusion is stated")
            expect_unbiased(selection.arms, selection.inclusion, bandit.n_arms, "over independent runs, arm")

    def test_candidates_are_kept_to_or_refused(self) -> None:
        """Either all plays are candidates, with the right inclusion, or candidates are an error."""
        bandit, rng = self._leaning(), np.random.default_rng(2)
        candidates = np.arange(bandit.n_arms)[: max(self.plays + 1, bandit.n_arms - 1)]
        if not self.takes_candidates:
            expect_refusal(
                "candidates", lambda: bandit.select(self.plays, rng, candidates=candidates), self._traces(bandit, rng)
            )
            return
        arms, inclusion, _ = self._drawn(bandit, candidates)
        expect(np.all(np.isin(arms, candidates)), "an arm is played that is not a candidate")
        if inclusion is not None:
            expect_unbiased(arms, inclusion, bandit.n_arms, "among candidates, arm")

    def test_a_bad_batch_is_refused(self) -> None:
        """No plays, fewer, or more than are granted are an error that names the number and leaves no trace."""
        bandit, rng = self._warm(), np.random.default_rng(3)
        for size in (0, -1) if self.most_plays is None else (0, -1, self.most_plays + 1):
            call, traces = partial(bandit.select, size, rng), self._traces(bandit, rng)
            expect_refusal(f"a batch of {size}", call, traces, naming=(str(size),))

    def test_randomness_comes_from_the_generator(self) -> None:
        """The same seed gives the same draws, another seed gives others, and global generators are not touched."""
        before = global_randomness()
        one, same, other = (self._history(self.make(), seed) for seed in (4, 4, 5))
        expect_same(before, global_randomness(), "a global random generator is used; draw from the one given")
        expect_same(one, same, "two bandits with generators of the same seed differ")
        if isinstance(self.make(), RandomizedBandit):
            expect(difference(one, other) is not None, "generators of two seeds give the same draws")

    # What is learned

    def test_integer_utilities_teach(self) -> None:
        """Within `rounds_to_learn` it finds the arms that pay 1 where all others pay 0, given as integers."""
        self._skip_deaf()
        lo, hi = math.ceil(self.utility_range[0]), math.floor(self.utility_range[1])
        pays: Any = (lo, hi) if lo < hi else self.utility_range
        for end in ("first", "last"):
            bandit, rng = self.make(), np.random.default_rng(6)
            arms = np.arange(bandit.n_arms)
            good = arms[: self.plays] if end == "first" else arms[-self.plays :]
            played = np.zeros((self.rounds_to_learn, self.plays), dtype=bool)
            for t in range(self.rounds_to_learn):
                selection = bandit.select(self.plays, rng)
                played[t] = np.isin(selection.arms, good)
                bandit.update(selection, np.where(played[t], pays[1], pays[0]))
            share, chance = float(np.mean(played[-self.rounds_to_learn // 4 :])), len(good) / len(arms)
            expect(
                share >= 0.5 * (chance + 1.0),
                f"the {end} {len(good)} arms pay {pays[1]} and the others {pays[0]}, but after {self.rounds_to_learn} "
                f"rounds they get {share:.0%} of the plays where chance gives {chance:.0%}",
            )

    def test_a_late_answer_uses_the_inclusion_of_its_draw(self) -> None:
        """An answer is divided by the number it comes with, whatever has been drawn or learned since."""
        self._skip_deaf()
        bandit = self._randomized(self._warm())
        state, moved = bandit.state_dict(), {}
        for drawn_since, share, height in ((a, b, c) for a in (0, 1) for b in (1.0, 0.5) for c in (0.3, 0.9)):
            bandit.load_state_dict(state)
            rng = np.random.default_rng(7)
            first = bandit.select(self.plays, rng)
            for _ in range(10 * drawn_since):
                bandit.select(self.plays, rng)
            inclusion = None if first.inclusion is None else share * first.inclusion
            bandit.update(first._replace(inclusion=inclusion), np.full(self.plays, self._utility(height)))
            moved[drawn_since, share, height] = bandit.probabilities()
        expect(
            all(np.array_equal(moved[0, 1.0, height], moved[1, 1.0, height]) for height in (0.3, 0.9)),
            "the answer to a draw is learned differently once another has been drawn; keep nothing of a draw, "
            "what belongs to it comes with its answer",
        )
        if self.importance_weighted:
            expect(
                any(not np.allclose(moved[0, 1.0, h], moved[0, 0.5, h], rtol=1e-12, atol=0.0) for h in (0.3, 0.9)),
                "half the inclusion teaches the same; divide by the inclusion that is passed in, not by one that is "
                "computed again",
            )

    def test_runs_learn_independently(self) -> None:
        """Several runs at once learn what each would learn alone."""
        self._skip_single()
        together, rng = self._randomized(self.make(3)), np.random.default_rng(8)
        alone = [self._randomized(self.make()) for _ in range(3)]
        for _ in range(25):
            selection = together.select(self.plays, rng)
            values = self._utility(rng.random((3, self.plays)) ** [[1.0], [5.0], [0.2]])
            together.update(selection, values)
            for run, bandit in enumerate(alone):
                bandit.select(self.plays, np.random.default_rng(run))
                own: list[Any] = [None if each is None else each[run] for each in selection]
                bandit.update(Selection(*own), values[run])
        for run, bandit in enumerate(alone):
            expect(
                np.allclose(together.probabilities()[run], bandit.probabilities(), rtol=1e-8, atol=1e-300),
                f"run {run} of 3 learned {together.probabilities()[run]}, alone it learns {bandit.probabilities()}",
            )

    def test_a_long_run_stays_finite(self) -> None:
        """After as much evidence as a million rounds bring, for an arm and then against it, all is still finite."""
        bandit, rng = self.make(), np.random.default_rng(9)
        answer = _answer(np.arange(self.plays), np.full(self.plays, _TINY_INCLUSION))
        for t in range(self.long_run):
            bandit.update(answer, np.full(self.plays, self._utility(1.0 if 2 * t < self.long_run else 0.0)))
            if (t + 1) % max(1, self.long_run // 20) and t + 1 < self.long_run:
                continue
            if isinstance(bandit, RandomizedBandit):
                self._expect_distribution(bandit.probabilities(), f"after {t + 1} updates")
            expect_sound(*bandit.select(self.plays, rng)[1:3])
            for name, entry in bandit.state_dict().items():
                if isinstance(entry, float | np.floating | np.ndarray):
                    expect(not np.any(np.isnan(entry)), f"state[{name!r}] is nan after {t + 1} updates")

    # What is kept

    def test_a_selection_is_a_record(self) -> None:
        """Learning changes no number of an earlier draw, and writing into a draw changes no bandit."""
        bandit, rng = self._warm(), np.random.default_rng(10)
        selection = bandit.select(self.plays, rng)
        kept = copy.deepcopy(tuple(selection))
        self._play(bandit, 5, rng)
        expect_same(kept, tuple(selection), "the numbers of an earlier draw change with the bandit; record copies")
        selection = bandit.select(self.plays, rng)
        before = copy.deepcopy(self._visible(bandit))
        for array in selection:
            scribbled(array)
        expect_same(before, self._visible(bandit), "writing into a draw changes the bandit; hand out copies")

    def test_answers_are_read_not_kept(self) -> None:
        """The arrays that `update` is given are neither changed nor kept; they may be read-only."""
        bandit = self._warm()
        selection = bandit.select(self.plays, np.random.default_rng(11))
        answer = (copy.deepcopy(selection), np.full(selection.arms.shape, self._utility(0.7)))
        kept = copy.deepcopy(answer)
        bandit.update(*answer)
        expect_same(kept, answer, "update changes the arrays it is given")
        before = copy.deepcopy(self._visible(bandit))
        scribbled(answer)
        expect_same(before, self._visible(bandit), "update keeps an array it was given; keep a copy")
        for array in (*kept[0], kept[1]):
            if array is not None:
                array.setflags(write=False)
        bandit.update(*kept)

    def test_a_fresh_bandit_is_fresh(self) -> None:
        """Nothing leaks from one bandit into the next, and a state that is reset is a fresh one."""
        fresh, bystander = copy.deepcopy(self.make().state_dict()), self.make()
        used = self._warm()
        expect_same(fresh, bystander.state_dict(), "playing one bandit changes another; share no state in the class")
        expect_same(fresh, self.make().state_dict(), "a bandit made after another was played is not fresh")
        used.load_state_dict(fresh)
        expect_same(fresh, used.state_dict(), "a bandit that was reset to a fresh state is not fresh")
        expect_same(self._history(self.make(), 12), self._history(used, 12), "a bandit that was reset plays otherwise")

    def test_a_saved_bandit_continues_bit_for_bit(self) -> None:
        """Its state goes through a checkpoint without pickle, and the restored bandit is the same in every bit."""
        for runs, _ in self._shapes(self.plays):
            original, twin = self._warm(runs), self._made(runs)
            state = original.state_dict()
            try:
                state = stored(state)
            except TypeError as error:
                raise AssertionError(f"the state cannot be saved: {error}") from error
            twin.load_state_dict(state)
            expect_same(original.state_dict(), twin.state_dict(), "a restored state is not the one that was saved")
            expect_same(self._history(original, 13), self._history(twin, 13), "a restored bandit plays otherwise")

    def test_a_saved_state_is_a_snapshot(self) -> None:
        """A state that was taken does not follow the bandit, and a bandit does not follow a state it was given."""
        bandit, twin = self._warm(), self.make()
        state = bandit.state_dict()
        kept = copy.deepcopy(state)
        self._play(bandit, 5, np.random.default_rng(14))
        expect_same(kept, state, "the state that was taken changes with the bandit; return copies")
        twin.load_state_dict(state)
        before = copy.deepcopy(self._visible(twin))
        self._play(twin, 5, np.random.default_rng(14))
        expect_same(kept, state, "playing changes the state that was loaded; keep copies")
        twin.load_state_dict(state)
        scribbled(state)
        expect_same(before, self._visible(twin), "writing into the state that was loaded changes the bandit")

    # What is refused

    def test_a_foreign_state_is_refused(self) -> None:
        """A state that is incomplete, of another kind or of another shape is an error that leaves no trace."""
        bandit, donor = self._warm(), self._warm(rounds=11)
        state = donor.state_dict()
        cases = list(damaged(state, per_arm=bandit.n_arms))
        if self.vectorized:
            other = self._warm(2).state_dict()
            if any(isinstance(v, np.ndarray) and v.shape != np.shape(other[k]) for k, v in state.items()):
                cases.append(("the state of 2 runs", other))
        for what, wrong in cases:
            call = partial(bandit.load_state_dict, wrong)
            expect_refusal(what, call, lambda: self._visible(bandit), errors=(ValueError, KeyError, TypeError))

    def test_a_bad_answer_is_refused(self) -> None:
        """Wrong values, arms, inclusions and lengths are errors that name what is wrong and leave no trace."""
        self._skip_deaf()
        bandit, m, lo, hi = self._warm(), self.plays, *self.utility_range
        arms, inclusion, fine = np.arange(m), np.full(m, 0.5), np.full(m, self._utility(0.5))

        def refused(what: str, arms: Any, inclusion: Any, values: Any, *naming: str) -> None:
            call = partial(bandit.update, _answer(arms, inclusion), values)
            expect_refusal(what, call, lambda: self._visible(bandit), naming=naming)

        for value in (np.nan, np.inf, -np.inf, *((lo - 0.125, hi + 0.125) if self.bounded else ())):
            refused(f"a utility of {value}", arms, inclusion, _last(fine, value), str(value))
        for arm in (-3, bandit.n_arms, bandit.n_arms + 70):
            refused(f"arm {arm}", _last(arms, arm), inclusion, fine, str(arm))
        longer = np.full(m + 1, self._utility(0.5))
        refused(f"{m + 1} utilities for {m} arms", arms, inclusion, longer, str(m + 1))
        refused("utilities with an axis too many", arms, inclusion, fine[None])
        if self.importance_weighted:
            refused("an answer without inclusion", arms, None, fine, "inclusion")
            refused(f"{m + 1} inclusions for {m} arms", arms, np.full(m + 1, 0.5), fine, str(m + 1))
            for number, *names in ((0.0, "0.0", "zero"), (-0.25, "-0.25"), (np.nan, "nan")):
                refused(f"an inclusion of {number}", arms, _last(inclusion, number), fine, *names)

    # What the laws are made of

    def _shapes(self, last: int) -> list[tuple[int | None, tuple[int, ...]]]:
        """Numbers of runs to try, with the shape of an array whose last axis has this length."""
        return [(None, (last,)), (3, (3, last))][: 1 + self.vectorized]

    def _utility(self, height: Any) -> Any:
        lo, hi = self.utility_range
        return lo + (hi - lo) * height

    def _play(self, bandit: Bandit, rounds: int, rng: np.random.Generator) -> list[Any]:
        """Play arms that pay the more the higher their number; returns all that was drawn."""
        seen: list[Any] = []
        for _ in range(rounds):
            selection = bandit.select(self.plays, rng)
            seen.append(copy.deepcopy(tuple(selection)))
            bandit.update(selection, self._utility(selection.arms / (bandit.n_arms - 1)))
        return seen

    def _warm(self, runs: int | None = None, rounds: int = 30) -> Bandit:
        """A bandit that has learned something."""
        bandit = self._made(runs)
        self._play(bandit, rounds, np.random.default_rng(100 + rounds))
        return bandit

    def _leaning(self) -> Bandit:
        """A bandit that favours the last arm, but not so much that the others are never drawn."""
        bandit, rng = self._warm(), np.random.default_rng(101)
        for _ in range(self.rounds_to_learn if self.learns else 0):
            p = bandit.probabilities() if isinstance(bandit, RandomizedBandit) else None
            if p is None or np.max(p) >= min(0.5, 0.8 / self.plays):
                break
            selection = bandit.select(self.plays, rng)
            pays = selection.arms == bandit.n_arms - 1
            bandit.update(selection, np.where(pays, self._utility(1.0), self._utility(0.0)))
        return bandit

    def _made(self, runs: int | None) -> Bandit:
        return self.make() if runs is None else self.make(runs)

    def _history(self, bandit: Bandit, seed: int) -> list[Any]:
        return self._play(bandit, 20, np.random.default_rng(seed))

    def _skip_single(self) -> None:
        if not self.vectorized:
            not_applicable("it has one run only")

    def _skip_deaf(self) -> None:
        if not self.learns:
            not_applicable("it does not learn")

    def _randomized(self, bandit: Bandit) -> Any:
        if not isinstance(bandit, RandomizedBandit):
            not_applicable("it tells no probabilities")
        return bandit

    def _drawn(
        self, bandit: Bandit, candidates: IntArray | None = None
    ) -> tuple[IntArray, FloatArray | None, FloatArray | None]:
        """Many draws from one state, or over many histories; with the distribution they should follow."""
        rng, rounds = np.random.default_rng(15), 3 if self.inclusion_is_marginal else 1
        start = copy.deepcopy((self.make() if self.inclusion_is_marginal else bandit).state_dict())
        bandit.load_state_dict(start)
        bandit.select(self.plays, rng, candidates)
        moves = difference(start, bandit.state_dict()) is not None
        arms, inclusion = [], []
        for _ in range(self.draws):
            if moves:
                bandit.load_state_dict(start)
            for _ in range(rounds):
                selection = bandit.select(self.plays, rng, candidates)
            arms.append(selection.arms)
            inclusion.append(selection.inclusion)
        p = bandit.probabilities() if isinstance(bandit, RandomizedBandit) else None
        known = None if any(q is None for q in inclusion) else np.array(inclusion, dtype=np.float64)
        return np.array(arms), known, p

    @staticmethod
    def _visible(bandit: Bandit) -> Any:
        return bandit.state_dict(), bandit.probabilities() if isinstance(bandit, RandomizedBandit) else None

    def _traces(self, bandit: Bandit, rng: np.random.Generator) -> Callable[[], Any]:
        return lambda: (self._visible(bandit), rng.bit_generator.state)

    @staticmethod
    def _expect_distribution(p: FloatArray, when: str) -> None:
        expect(np.all(np.isfinite(p)) and np.all(p >= 0.0), f"probabilities() is {p} {when}")
        total = np.sum(p, axis=-1)
        expect(np.allclose(total, 1.0, rtol=0.0, atol=1e-9), f"probabilities() sums to {total} {when}")


def check_bandit(make: Callable[..., Bandit], **settings: Any) -> dict[str, str]:
    """Try every law on a bandit.

    Args:
        make: ``make(runs=None)`` returns a new bandit, the same one every time.
        **settings: Attributes of `BanditConformance` by name: ``plays=2``, ``learns=False``, ...

    Returns:
        The laws that do not apply, each with the reason.

    Raises:
        ConformanceError: If a law is broken; it names all that are.
        TypeError: If there is no such attribute.

    >>> from curriculum_bandits.bandits import Uniform
    >>> skipped = check_bandit(lambda runs=None: Uniform(5, runs=runs), learns=False, takes_candidates=True, plays=2)
    >>> skipped["integer_utilities_teach"]
    'it does not learn'
    """
    return configured(BanditConformance, make, settings).check()


def _answer(arms: Any, inclusion: Any) -> Selection:
    """A selection that no bandit made."""
    return Selection(arms, np.full(np.shape(arms), 0.5), inclusion)


def _last(values: npt.NDArray[Any], entry: float) -> npt.NDArray[Any]:
    """A copy with another last entry."""
    return np.append(values[:-1], entry).astype(values.dtype)
