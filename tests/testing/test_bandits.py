"""Every bandit here keeps every law, and for every law there is a bandit that breaks it and is caught.

A suite that cannot fail proves nothing: the second half takes a sound bandit and spoils one thing at a time.
"""

import contextlib

import numpy as np
import pytest

from curriculum_bandits import bandits
from curriculum_bandits.bandits import Osmd, ScaleFree, Selection, Tsallis
from curriculum_bandits.bandits.curriculum.action_values import Boltzmann, ExponentialAverage
from curriculum_bandits.sampling import with_replacement
from curriculum_bandits.testing import BanditConformance, ConformanceError, check_bandit

K, T, PLAYS = 5, 250, 2
QUICK = {"draws": 800, "long_run": 100, "rounds_to_learn": T}
ONE = {"most_plays": 1, "bounded": True}
MANY = {"most_plays": K}
CERTAIN = {"most_plays": K, "bounded": True, "importance_weighted": False}
OVER_PROBLEMS = {"most_plays": K, "importance_weighted": False, "vectorized": False}
STILL = {"learns": False, "plays": PLAYS, "most_plays": K}

OURS = {
    "osmd": (lambda runs=None: Osmd(K, runs=runs, step=ScaleFree(memory=50), share=0.02), MANY),
    "osmd, two plays": (lambda runs=None: Osmd(K, runs=runs, plays=PLAYS), {**MANY, "plays": PLAYS}),
    "osmd, replacement": (
        lambda runs=None: Osmd(K, runs=runs, plays=PLAYS, replacement=True, floor=0.05),
        {"plays": PLAYS},
    ),
    "osmd, groups": (
        lambda runs=None: Osmd(3, runs=runs, plays=2, capacity=[1, 2, 3], prior=[1 / 6, 2 / 6, 3 / 6]),
        {"plays": 2, "most_plays": 6},
    ),
    "osmd, log barrier": (lambda runs=None: Osmd(K, runs=runs, regularizer=bandits.LogBarrier()), MANY),
    "osmd, Tsallis 0.8": (lambda runs=None: Osmd(K, runs=runs, regularizer=Tsallis(0.8)), MANY),
    "exponential weights": (lambda runs=None: bandits.ExponentialWeights(K, step=0.1, mixing=0.1, runs=runs), ONE),
    "Graves": (lambda runs=None: bandits.GravesExp3S(K, step=0.05, runs=runs), {"most_plays": 1}),
    "Graves, groups": (
        lambda runs=None: bandits.GravesExp3S(K, step=0.05, runs=runs, capacity=[1, 2, 3, 2, 1]),
        {"plays": PLAYS, "most_plays": 9},
    ),
    "exp3": (lambda runs=None: bandits.exp3(K, T, runs=runs), {**MANY, "bounded": True}),
    "exp3 in other units": (
        lambda runs=None: bandits.exp3(K, T, runs=runs, utility_range=(-30, 50)),
        {**MANY, "bounded": True, "utility_range": (-30, 50)},
    ),
    "exp3_anytime": (lambda runs=None: bandits.exp3_anytime(K, runs=runs), ONE),
    "exp3_ix": (lambda runs=None: bandits.exp3_ix(K, T, runs=runs), {**MANY, "bounded": True}),
    "exp3_m": (lambda runs=None: bandits.exp3_m(K, T, PLAYS, runs=runs), {"bounded": True, "plays": PLAYS}),
    "osmd_entropy": (
        lambda runs=None: bandits.osmd_entropy(K, T, PLAYS, runs=runs),
        {**MANY, "bounded": True, "plays": PLAYS},
    ),
    "exp3_p": (lambda runs=None: bandits.exp3_p(K, T, 0.05, runs=runs), ONE),
    "exp3_s": (lambda runs=None: bandits.exp3_s(K, 1000, 2, runs=runs), {**ONE, "rounds_to_learn": 1000}),
    "fixed_share": (lambda runs=None: bandits.fixed_share(K, T, 2, runs=runs), {**MANY, "bounded": True}),
    "rexp3": (lambda runs=None: bandits.rexp3(K, 2000, 0.5, runs=runs), {**ONE, "rounds_to_learn": 450}),
    "osmd_tsallis": (
        lambda runs=None: bandits.osmd_tsallis(K, T, PLAYS, runs=runs),
        {**MANY, "bounded": True, "plays": PLAYS},
    ),
    "tsallis_inf": (lambda runs=None: bandits.tsallis_inf(K, runs=runs), ONE),
    "tsallis_inf, reduced variance": (
        lambda runs=None: bandits.tsallis_inf(K, reduced_variance=True, runs=runs),
        ONE,
    ),
    "ucb1": (lambda runs=None: bandits.ucb1(K, runs=runs), CERTAIN),
    "ucb1, two plays in other units": (
        lambda runs=None: bandits.ucb1(K, runs=runs, utility_range=(-30, 50)),
        {**CERTAIN, "plays": PLAYS, "utility_range": (-30, 50), "rounds_to_learn": 1000},
    ),
    "discounted_ucb": (
        lambda runs=None: bandits.discounted_ucb(K, T, runs=runs),
        {**CERTAIN, "rounds_to_learn": 1000},
    ),
    "sliding_window_ucb": (lambda runs=None: bandits.sliding_window_ucb(K, 2 * T, runs=runs), CERTAIN),
    "sliding_window_ucb, two plays": (
        lambda runs=None: bandits.sliding_window_ucb(K, 2 * T, runs=runs),
        {**CERTAIN, "plays": PLAYS},
    ),
    "kl_ucb": (lambda runs=None: bandits.kl_ucb(K, runs=runs), CERTAIN),
    "glr_kl_ucb": (lambda runs=None: bandits.glr_kl_ucb(K, T, runs=runs), CERTAIN),
    "glr_kl_ucb, global, two plays": (
        lambda runs=None: bandits.glr_kl_ucb(K, T, restart="global", test_every=1, split_every=1, runs=runs),
        {**CERTAIN, "plays": PLAYS},
    ),
    "thompson": (lambda runs=None: bandits.thompson(K, runs=runs), CERTAIN),
    "thompson, two plays": (lambda runs=None: bandits.thompson(K, runs=runs), {**CERTAIN, "plays": PLAYS}),
    "switching_thompson": (lambda runs=None: bandits.switching_thompson(K, T, runs=runs), CERTAIN),
    "switching_thompson, two plays": (
        lambda runs=None: bandits.switching_thompson(K, T, contagion=0.2, discounts=(0.9,), hypotheses=4, runs=runs),
        {**CERTAIN, "plays": PLAYS},
    ),
    "discounted_thompson": (lambda runs=None: bandits.discounted_thompson(K, runs=runs), CERTAIN),
    "epsilon_greedy": (lambda runs=None: bandits.epsilon_greedy(K, runs=runs), CERTAIN),
    "epsilon_greedy, two plays, schedule": (
        lambda runs=None: bandits.epsilon_greedy(K, epsilon=bandits.InverseTime(20.0), plays=PLAYS, runs=runs),
        {**CERTAIN, "plays": PLAYS},
    ),
    "restarted at": (
        lambda runs=None: bandits.RestartedAt(bandits.epsilon_greedy(K, runs=runs), [25, 28, 60]),
        CERTAIN,
    ),
    "restarted at, with inclusion": (
        lambda runs=None: bandits.RestartedAt(bandits.tsallis_inf(K, runs=runs), [25, 28]),
        ONE,
    ),
    "shuffled epochs": (
        lambda runs=None: bandits.ShuffledEpochs(K, runs=runs),
        {**STILL, "inclusion_is_marginal": True},
    ),
    "uniform": (lambda runs=None: bandits.Uniform(K, runs=runs), {**STILL, "takes_candidates": True}),
    "oracle": (
        lambda runs=None: bandits.Oracle(np.linspace(0, 1, 3 * K).reshape(3, K), runs=runs),
        {**STILL, "takes_candidates": True},
    ),
    "difficulty pools": (lambda: bandits.DifficultyPools(K, boundaries=(0.2, 5.0)), OVER_PROBLEMS),
    "prioritized levels": (lambda: bandits.PrioritizedLevels(K), OVER_PROBLEMS),
    "cluster windows": (
        lambda: bandits.ClusterWindows(np.zeros(K), np.arange(K), reset_after=0),
        {**OVER_PROBLEMS, "bounded": True},
    ),
    "moving target": (  # it learns of no single arm
        lambda: bandits.MovingTarget(np.arange(K), step=0.5),
        {**OVER_PROBLEMS, "learns": False},
    ),
    "values of groups": (  # with every other estimate and choice: tests/bandits/action_values
        lambda: bandits.ActionValueBandit(ExponentialAverage(K), Boltzmann(0.2)),
        {**OVER_PROBLEMS, "plays": PLAYS},
    ),
    "easy to hard": (lambda: bandits.EasyToHard(np.arange(K), steps=3), {**OVER_PROBLEMS, "learns": False}),
}


def suite(make, **settings):
    return type("Suite", (BanditConformance,), {**QUICK, **settings, "make": staticmethod(make)})()


@pytest.mark.parametrize("law", BanditConformance.laws())
@pytest.mark.parametrize("name", OURS)
def test_our_bandits_keep_every_law(name, law):
    make, settings = OURS[name]
    suite(make, **settings).check([law])


def test_every_bandit_and_named_constructor_is_in_the_list():
    tried = {type(make()) for make, _ in OURS.values()}
    kinds = {
        thing
        for name in bandits.__all__
        if isinstance(thing := getattr(bandits, name), type) and hasattr(thing, "select") and hasattr(thing, "update")
    } - {bandits.Bandit}
    named = {name for name in bandits.__all__ if callable(getattr(bandits, name)) and name.islower()}
    assert kinds <= tried
    assert named <= set(OURS)


# A sound bandit, and what can go wrong with it


class Sound:
    """Exponential weights on importance-weighted utilities in [0, 1], a tenth of the plays at random."""

    def __init__(self, runs=None):
        self.n_arms, self.leading = K, () if runs is None else (runs,)
        self.log_weights = np.zeros((*self.leading, K))

    def probabilities(self):
        w = np.exp(self.log_weights - np.max(self.log_weights, axis=-1, keepdims=True))
        return 0.9 * w / np.sum(w, axis=-1, keepdims=True) + 0.1 / K

    def select(self, size, rng, candidates=None):
        if candidates is not None:
            raise ValueError("this bandit takes no candidates")
        if size < 1:
            raise ValueError(f"{size} plays are asked for; ask for at least 1")
        return self.draw(self.probabilities(), size, rng)

    def draw(self, p, size, rng):
        arms, inclusion = with_replacement(p, size, rng)
        return Selection(arms, inclusion / size, inclusion)

    def update(self, selection, values, **extra):
        arms, inclusion = selection.arms, selection.inclusion
        self.refuse(arms, inclusion, values)
        self.learn(np.asarray(arms), np.asarray(inclusion), np.asarray(values))

    def refuse(self, arms, inclusion, values):
        if inclusion is None:
            raise ValueError("this bandit divides by inclusion and the draw has none")
        if not np.shape(arms) == np.shape(inclusion) == np.shape(values):
            raise ValueError(f"shapes {np.shape(arms)}, {np.shape(inclusion)} and {np.shape(values)} differ")
        if np.shape(values)[:-1] != self.leading:
            raise ValueError(f"values have shape {np.shape(values)}")
        for name, array, good in (
            ("utility", np.asarray(values), np.isfinite(values)),
            ("arm", np.asarray(arms), (np.asarray(arms) >= 0) & (np.asarray(arms) < K)),
            ("inclusion", np.asarray(inclusion), np.asarray(inclusion) > 0),
        ):
            if not np.all(good):
                raise ValueError(f"{name} is {array[~good][0]}")

    def learn(self, arms, inclusion, values):
        self.log_weights = self.log_weights + 0.05 * self.estimate(arms, inclusion, values)

    def estimate(self, arms, inclusion, values):
        return np.sum((arms[..., None] == np.arange(K)) * (values / inclusion)[..., None], axis=-2)

    def state_dict(self):
        return {"kind": "sound", "log_weights": self.log_weights.copy()}

    def load_state_dict(self, state):
        if state["kind"] != "sound":
            raise ValueError(f"a state of kind {state['kind']!r} is not 'sound'")
        log_weights = np.array(state["log_weights"])
        if log_weights.shape != self.log_weights.shape:
            raise ValueError(f"log_weights of shape {log_weights.shape}")
        self.log_weights = log_weights


FAULTS = []


def breaks(law, message, **settings):
    """Mark a bandit as one that breaks this law."""

    def mark(fault):
        FAULTS.append(pytest.param(fault, law, message, settings, id=f"{law}-{fault.__name__}"))
        return fault

    return mark


@breaks("a_selection_has_the_shape_of_the_contract", "arms is an array of float64")
class ArmsAsFloats(Sound):
    def draw(self, p, size, rng):
        arms, *rest = super().draw(p, size, rng)
        return Selection(arms.astype(float), *rest)


@breaks("a_selection_has_the_shape_of_the_contract", "probability has shape (5,); with runs=None it is (1,)")
class TellsAllProbabilities(Sound):
    def draw(self, p, size, rng):
        return super().draw(p, size, rng)._replace(probability=p)


@breaks("a_selection_has_the_shape_of_the_contract", "records probability")
class RecordsAnotherDistribution(Sound):
    def draw(self, p, size, rng):
        selection = super().draw(p, size, rng)
        return selection._replace(probability=np.full(selection.arms.shape, 1 / K))


@breaks("probabilities_are_a_distribution", "sums to")
class DoesNotSumToOne(Sound):
    def probabilities(self):
        return super().probabilities() * 0.999

    def select(self, size, rng, candidates=None):
        return self.draw(self.probabilities() / 0.999, size, rng)


@breaks("probabilities_are_a_distribution", "writing into what probabilities")
class HandsOutItsDistribution(Sound):
    def __init__(self, runs=None):
        super().__init__(runs)
        self.p = super().probabilities()

    def probabilities(self):
        return self.p

    def learn(self, arms, inclusion, values):
        super().learn(arms, inclusion, values)
        self.p = super().probabilities()


@breaks("draws_follow_the_probabilities", "what is reported is not what is played")
class SoftmaxThatDoesNotSampleItsSoftmax(Sound):
    def draw(self, p, size, rng):
        return super().draw(np.sqrt(p) / np.sum(np.sqrt(p), axis=-1, keepdims=True), size, rng)


@breaks("draws_follow_the_probabilities", "where probabilities")
class NeverPlaysTheLastArm(Sound):
    def draw(self, p, size, rng):
        some = p * (np.arange(K) < K - 1)
        return super().draw(some / np.sum(some, axis=-1, keepdims=True), size, rng)


@breaks("inclusion_is_the_number_to_divide_by", "not the number to divide by", plays=2)
class SaysMTimesPWithoutReplacement(Sound):
    def draw(self, p, size, rng):
        if p.ndim > 1:
            return super().draw(p, size, rng)
        arms = rng.choice(K, size=size, replace=False, p=p)
        return Selection(arms, p[arms], size * p[arms])


@breaks("inclusion_is_the_number_to_divide_by", "not the number to divide by", plays=2)
class ForgetsTheNumberOfPlays(Sound):
    def draw(self, p, size, rng):
        selection = super().draw(p, size, rng)
        return selection._replace(inclusion=selection.probability)


@breaks("runs_draw_independently", "over independent runs")
class RunsShareTheirRandomNumber(Sound):
    def draw(self, p, size, rng):
        arms = np.sum(np.cumsum(p, axis=-1)[..., None, :] <= rng.random(size)[:, None], axis=-1).clip(0, K - 1)
        shown = np.take_along_axis(p, arms, axis=-1)
        return Selection(arms, shown, size * shown)


@breaks("candidates_are_kept_to_or_refused", "candidates is accepted")
class IgnoresCandidates(Sound):
    def select(self, size, rng, candidates=None):
        return super().select(size, rng)


@breaks("candidates_are_kept_to_or_refused", "not a candidate", takes_candidates=True)
class SaysItTakesCandidates(IgnoresCandidates):
    pass


@breaks("candidates_are_kept_to_or_refused", "among candidates", takes_candidates=True)
class ForgetsToRaiseTheInclusionOfCandidates(Sound):
    def select(self, size, rng, candidates=None):
        p = self.probabilities()
        if candidates is None:
            return self.draw(p, size, rng)
        arms = candidates[self.draw(p[candidates] / np.sum(p[candidates]), size, rng).arms]
        return Selection(arms, p[arms], size * p[arms])


@breaks("a_bad_batch_is_refused", "a batch of 0 is accepted")
class DrawsNothing(Sound):
    def select(self, size, rng, candidates=None):
        return self.draw(self.probabilities(), max(size, 1), rng)


@breaks("a_bad_batch_is_refused", "leaves a trace")
class DrawsBeforeItRefuses(Sound):
    def select(self, size, rng, candidates=None):
        rng.random()
        return super().select(size, rng, candidates)


@breaks("a_bad_batch_is_refused", "a batch of 2 is accepted", most_plays=1)
class GrantsMoreThanItSays(Sound):
    pass


@breaks("randomness_comes_from_the_generator", "a global random generator is used")
class UsesTheGlobalGenerator(Sound):
    def draw(self, p, size, rng):
        np.random.rand()  # noqa: NPY002 - the fault
        return super().draw(p, size, rng)


@breaks("randomness_comes_from_the_generator", "generators of the same seed differ")
class SeedsItselfFromTheClock(Sound):
    def draw(self, p, size, rng):
        return super().draw(p, size, np.random.default_rng())


@breaks("randomness_comes_from_the_generator", "two seeds give the same draws")
class IgnoresTheGenerator(Sound):
    def __init__(self, runs=None):
        super().__init__(runs)
        self.rng = np.random.default_rng(0)

    def draw(self, p, size, rng):
        return super().draw(p, size, self.rng)


@breaks("integer_utilities_teach", "of the plays where chance gives 20%")
class TakesTheTypeOfTheUtilities(Sound):
    def estimate(self, arms, inclusion, values):
        moved = np.zeros(self.log_weights.shape, dtype=values.dtype)  # integers in, integers out
        moved[..., arms] = 0.05 * values / inclusion
        return moved / 0.05


@breaks("integer_utilities_teach", "of the plays where chance gives 20%")
class IntegerWeights(Sound):
    def learn(self, arms, inclusion, values):
        weights = np.exp(self.log_weights).astype(int)
        self.log_weights = np.log((weights * np.exp(0.01 * self.estimate(arms, inclusion, values))).astype(int))


@breaks("integer_utilities_teach", "the first 1 arms pay 1")
class LovesTheLastArm(Sound):
    def estimate(self, arms, inclusion, values):
        return (np.arange(K) == K - 1) * 1.0


@breaks("a_late_answer_uses_the_inclusion_of_its_draw", "not by one that is computed again")
class RecomputesThePropensity(Sound):
    def learn(self, arms, inclusion, values):
        super().learn(arms, np.take_along_axis(self.probabilities(), arms, axis=-1), values)


@breaks("a_late_answer_uses_the_inclusion_of_its_draw", "keep nothing of a draw")
class RemembersTheLastDraw(Sound):
    def draw(self, p, size, rng):
        selection = super().draw(p, size, rng)
        self.last = selection.inclusion
        return selection

    def learn(self, arms, inclusion, values):
        super().learn(arms, self.last, values)


@breaks("runs_learn_independently", "of 3 learned")
class RunsShareTheirBaseline(Sound):
    def learn(self, arms, inclusion, values):
        super().learn(arms, inclusion, values - np.mean(values))


@breaks("a_long_run_stays_finite", "probabilities() is")
class WeightsThatOverflow(Sound):
    def __init__(self, runs=None):
        super().__init__(runs)
        self.weights = np.ones((*self.leading, K))

    def probabilities(self):
        with np.errstate(all="ignore"):
            return self.weights / np.sum(self.weights, axis=-1, keepdims=True)

    def learn(self, arms, inclusion, values):
        with np.errstate(all="ignore"):
            self.weights = self.weights * np.exp(0.05 * self.estimate(arms, inclusion, values))


@breaks("a_long_run_stays_finite", "a draw records inclusion")
class InclusionThatVanishes(Sound):
    def probabilities(self):
        return (super().probabilities() - 0.1 / K) / 0.9

    def draw(self, p, size, rng):
        return Selection(np.full((*self.leading, size), 4), *(p[..., -1:].repeat(size, axis=-1) for _ in range(2)))


@breaks("a_selection_is_a_record", "numbers of an earlier draw change")
class HandsOutOneBufferForAllDraws(Sound):
    buffer = None

    def draw(self, p, size, rng):
        selection = super().draw(p, size, rng)
        if self.buffer is None:
            self.buffer = selection.inclusion.copy()
        self.buffer[...] = selection.inclusion
        return selection._replace(inclusion=self.buffer)


@breaks("a_selection_is_a_record", "writing into a draw changes the bandit", plays=K)
class HandsOutAViewOfItsState(Sound):
    def __init__(self, runs=None):
        super().__init__(runs)
        self.played = np.zeros((*self.leading, K), dtype=int)

    def draw(self, p, size, rng):
        self.played = super().draw(p, size, rng).arms
        return Selection(self.played, *(2 * [np.take_along_axis(p, self.played, axis=-1)]))

    def state_dict(self):
        return {**super().state_dict(), "played": self.played.copy()}


@breaks("answers_are_read_not_kept", "update changes the arrays", plays=2)
class ChangesWhatItIsGiven(Sound):
    def learn(self, arms, inclusion, values):
        values /= inclusion
        super().learn(arms, np.ones_like(inclusion), values)


@breaks("answers_are_read_not_kept", "update keeps an array", plays=2)
class KeepsWhatItIsGiven(Sound):
    latest = np.zeros(2)

    def learn(self, arms, inclusion, values):
        super().learn(arms, inclusion, values)
        self.latest = values

    def state_dict(self):
        return {**super().state_dict(), "latest": self.latest.copy()}


@breaks("a_fresh_bandit_is_fresh", "share no state in the class")
class StateInTheClass(Sound):
    everyones = np.zeros(K)

    def __init__(self, runs=None):
        super().__init__(runs)
        self.log_weights = self.everyones

    def learn(self, arms, inclusion, values):
        self.log_weights += 0.05 * self.estimate(arms, inclusion, values)


@breaks("a_fresh_bandit_is_fresh", "a bandit that was reset plays otherwise")
class ResetForgetsThePace(Sound):
    rounds = 0

    def learn(self, arms, inclusion, values):
        self.rounds += 1
        super().learn(arms, inclusion, values / self.rounds)


@breaks("a_saved_bandit_continues_bit_for_bit", "a restored bandit plays otherwise")
class SavesNotAll(ResetForgetsThePace):
    pass


@breaks("a_saved_bandit_continues_bit_for_bit", "a restored state is not the one")
class SavesInSinglePrecision(Sound):
    def load_state_dict(self, state):
        super().load_state_dict(
            {**state, "log_weights": np.array(state["log_weights"]).astype(np.float32).astype(float)}
        )


@breaks("a_saved_bandit_continues_bit_for_bit", "cannot be saved")
class StateThatNeedsPickle(Sound):
    def state_dict(self):
        return {**super().state_dict(), "settings": {1, 2}}


@breaks("a_saved_state_is_a_snapshot", "the state that was taken changes")
class StateThatFollowsTheBandit(Sound):
    def learn(self, arms, inclusion, values):
        self.log_weights += 0.05 * self.estimate(arms, inclusion, values)

    def state_dict(self):
        return {"kind": "sound", "log_weights": self.log_weights}


@breaks("a_saved_state_is_a_snapshot", "the state that was loaded")
class BanditThatFollowsTheState(Sound):
    def load_state_dict(self, state):
        super().load_state_dict(state)
        self.log_weights = state["log_weights"]


@breaks("a_foreign_state_is_refused", "an empty state is accepted")
class SwallowsErrors(Sound):
    def load_state_dict(self, state):
        with contextlib.suppress(Exception):
            super().load_state_dict(state)


@breaks("a_foreign_state_is_refused", "another's is accepted")
class LoadsAnyKind(Sound):
    def load_state_dict(self, state):
        super().load_state_dict({**state, "kind": "sound"} if "kind" in state else state)


@breaks("a_foreign_state_is_refused", "axis too many")
class LoadsAnyShape(Sound):
    def load_state_dict(self, state):
        if state["kind"] != "sound":
            raise ValueError("another kind")
        self.log_weights = np.array(state["log_weights"])


@breaks("a_foreign_state_is_refused", "leaves a trace")
class LoadsHalf(Sound):
    rounds = 0

    def state_dict(self):
        return {**super().state_dict(), "rounds": self.rounds}

    def load_state_dict(self, state):
        super().load_state_dict(state)
        self.rounds = state["rounds"]


@breaks("a_bad_answer_is_refused", "a utility of nan is accepted")
class AcceptsAnything(Sound):
    def refuse(self, arms, inclusion, values):
        pass


@breaks("a_bad_answer_is_refused", "arm -3 is accepted")
class CountsArmsFromTheEnd(Sound):
    def refuse(self, arms, inclusion, values):
        super().refuse(np.asarray(arms) % K, inclusion, values)


@breaks("a_bad_answer_is_refused", "an answer without inclusion is accepted")
class InventsAnInclusion(Sound):
    def update(self, selection, values, **extra):
        if selection.inclusion is None:
            selection = selection._replace(inclusion=np.ones(np.shape(selection.arms)))
        super().update(selection, values)


@breaks("a_bad_answer_is_refused", "an inclusion of -0.25 is accepted")
class DividesByAnything(Sound):
    def refuse(self, arms, inclusion, values):
        super().refuse(arms, None if inclusion is None else np.abs(inclusion), values)


@breaks("a_bad_answer_is_refused", "leaves a trace")
class LearnsBeforeItRefuses(Sound):
    def update(self, selection, values, **extra):
        self.log_weights = self.log_weights + 0.01
        super().update(selection, values)


@breaks("a_bad_answer_is_refused", "does not name nan")
class DoesNotSayWhatIsWrong(Sound):
    def refuse(self, arms, inclusion, values):
        try:
            super().refuse(arms, inclusion, values)
        except ValueError:
            raise ValueError("bad input") from None


@breaks("a_bad_answer_is_refused", "a utility of -0.125 is accepted", bounded=True)
class IgnoresItsRange(Sound):
    pass


def test_the_sound_bandit_is_sound():
    skipped = check_bandit(lambda runs=None: Sound(runs), **QUICK)
    assert not skipped


def test_a_bandit_of_one_run_only_is_not_asked_for_several():
    skipped = suite(lambda: Sound(), vectorized=False).check()
    assert set(skipped) == {"runs_draw_independently", "runs_learn_independently"}


@pytest.mark.parametrize(("fault", "law", "message", "settings"), FAULTS)
def test_a_fault_is_caught_by_its_law(fault, law, message, settings):
    made = suite(lambda runs=None: fault(runs), **settings)
    with pytest.raises(ConformanceError) as caught:
        made.check([law])
    assert message in caught.value.failures[law]


def test_every_law_catches_a_fault():
    assert {fault.values[1] for fault in FAULTS} == set(BanditConformance.laws())


def test_a_fault_shows_in_the_whole_suite_too():
    with pytest.raises(ConformanceError) as caught:
        check_bandit(lambda runs=None: RecomputesThePropensity(runs), **QUICK)
    assert "a_late_answer_uses_the_inclusion_of_its_draw" in caught.value.failures
