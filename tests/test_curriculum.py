"""Ask and tell by hand, and their messages; the laws that every curriculum keeps are tried in tests/testing."""

import copy

import numpy as np
import pytest

from curriculum_bandits import Curriculum, Draw, Feedback, ProblemBank, Rollouts, Ticket, methods
from curriculum_bandits.bandits import Osmd, Selection, ShuffledEpochs
from curriculum_bandits.bandits.contract import RefusedUtility
from curriculum_bandits.checkpoint import load_state, save_state
from curriculum_bandits.sampling.partition import Partition
from curriculum_bandits.signals import success_rate

GROUPS = ["a"] * 5 + ["b"] * 3 + ["c"] * 2


def a_bank(n=10, **changes):
    return ProblemBank([f"problem {i}" for i in range(n)], **changes)


def bare(n=4, seed=0, **settings):
    """One arm per problem under p exp(u / q) / Z: every consequence can be worked out by hand."""
    bandit = Osmd(n, **{"floor": 0.0, "step": 1.0, "center": False, **settings})
    return Curriculum(a_bank(n), bandit, success_rate, name="bare", seed=seed)


def grouped(seed=0, **settings):
    return methods.osmd(a_bank(10, groups=GROUPS), seed=seed, **settings)


def step_by_hand(p, items, inclusion, values):
    w = p * np.exp(np.bincount(items, np.asarray(values) / inclusion, minlength=len(p)))
    return w / np.sum(w)


# Ask


def test_a_draw_carries_the_numbers_of_its_moment():
    curriculum = bare()
    draw = curriculum.ask(2)
    assert draw.probability.tolist() == [0.25, 0.25]
    np.testing.assert_allclose(draw.inclusion, 0.5)
    assert draw.ticket.serial == 0
    assert curriculum.ask(1).ticket == Ticket(draw.ticket.run, 1)
    assert [d.ticket.serial for d in curriculum.outstanding] == [0, 1]


def test_groups_are_drawn_with_the_inclusion_of_each_problem():
    curriculum, m, draws = grouped(floor=0.05), 4, 2500
    curriculum.ask(m)
    state = curriculum.bandit.state_dict()
    curriculum.bandit.load_state_dict({**state, "probability": np.array([0.2, 0.55, 0.25])})
    expected = m * np.array([0.2 / 5] * 5 + [0.55 / 3] * 3 + [0.25 / 2] * 2)
    counts = np.zeros(10)
    for _ in range(draws):
        draw = curriculum.ask(m)
        curriculum.discard(draw)
        assert len(set(draw.items.tolist())) == m
        np.testing.assert_allclose(draw.inclusion, expected[draw.items])
        np.testing.assert_allclose(draw.probability, expected[draw.items] / m)
        counts[draw.items] += 1
    assert np.all(np.abs(counts - draws * expected) < 4.5 * np.sqrt(draws * expected * (1 - expected)))


def test_a_batch_is_a_whole_number():
    with pytest.raises(TypeError):
        bare().ask(2.5)
    assert len(bare().ask(np.int64(2))) == 2


def test_the_whole_bank_can_be_a_batch():
    curriculum = grouped()
    draw = curriculum.ask(10)
    assert sorted(draw.items.tolist()) == list(range(10))
    np.testing.assert_allclose(draw.inclusion, 1.0)
    curriculum.tell(draw, np.arange(10.0))


# Tell


def test_one_answer_by_hand():
    curriculum = bare()
    draw = curriculum.ask(1)
    curriculum.tell(draw, [0.3])
    expected = step_by_hand(np.full(4, 0.25), draw.items, [0.25], [0.3])
    np.testing.assert_allclose(curriculum.bandit.probabilities(), expected, rtol=1e-12)
    assert curriculum.outstanding == ()


def test_a_late_answer_uses_the_probabilities_of_its_own_draw():
    curriculum = bare(prior=[0.4, 0.3, 0.2, 0.1])
    early, p = curriculum.ask(1), curriculum.bandit.probabilities()
    late = curriculum.ask(1)
    curriculum.tell(late, [2.0])
    p = step_by_hand(p, late.items, late.inclusion, [2.0])
    recomputed = p[early.items]
    assert abs(recomputed / early.inclusion - 1) > 0.2  # looking it up now would give another result
    curriculum.tell(early, [0.5])
    expected = step_by_hand(p, early.items, np.array([0.4, 0.3, 0.2, 0.1])[early.items], [0.5])
    np.testing.assert_allclose(curriculum.bandit.probabilities(), expected, rtol=1e-12)


def test_a_late_answer_of_a_batch_of_another_size_uses_its_own_inclusion():
    curriculum = bare()
    early = curriculum.ask(1)
    curriculum.ask(2)
    p = curriculum.bandit.probabilities()
    curriculum.tell(early, [0.1])
    expected = step_by_hand(p, early.items, [0.25], [0.1])
    np.testing.assert_allclose(curriculum.bandit.probabilities(), expected, rtol=1e-12)


def test_what_a_caller_does_to_a_copy_of_the_draw_changes_nothing():
    curriculum, twin = bare(), bare()
    draw, other = curriculum.ask(1), twin.ask(1)
    curriculum.tell(Draw(draw.items, [9.0], [9.0], draw.ticket), [0.5])
    twin.tell(other, [0.5])
    assert np.array_equal(curriculum.bandit.probabilities(), twin.bandit.probabilities())


def test_several_draws_are_answered_in_any_order():
    curriculum = bare(6)
    draws = [curriculum.ask(2) for _ in range(4)]
    p = curriculum.bandit.probabilities()
    # Utilities small enough for the cap of 1/2 not to bind.
    for i, value in zip([2, 0, 3, 1], [0.02, -0.01, 0.03, 0.05], strict=True):
        curriculum.tell(draws[i], [value, 0.0])
        p = step_by_hand(p, draws[i].items, draws[i].inclusion, [value, 0.0])
        np.testing.assert_allclose(curriculum.bandit.probabilities(), p, rtol=1e-12)
    assert curriculum.outstanding == ()


def test_the_estimate_of_a_group_is_its_share_of_the_inverse_inclusions():
    curriculum = grouped(step=0.1, floor=0.0, share=0.0)
    curriculum.bandit.center = False
    draw = curriculum.ask(3)
    p, values = curriculum.bandit.probabilities(), np.array([0.3, -0.2, 0.5])
    curriculum.tell(draw, values)
    of, size = curriculum.bank.groups, np.array([5, 3, 2])
    estimate = np.array(
        [sum(v / q for x, q, v in zip(draw.items, draw.inclusion, values, strict=True) if of[x] == g) for g in range(3)]
    )
    w = p * np.exp(0.1 * estimate / size)
    np.testing.assert_allclose(curriculum.bandit.probabilities(), w / np.sum(w), rtol=1e-12)


def test_partial_answers_scale_the_inclusion_by_the_share_that_answered():
    curriculum = bare()
    draw = curriculum.ask(2)
    p = curriculum.bandit.probabilities()
    curriculum.tell(draw, Feedback([np.nan, 0.1], [0, 4]))
    expected = step_by_hand(p, draw.items[1:], draw.inclusion[1:] * 0.5, [0.1])
    np.testing.assert_allclose(curriculum.bandit.probabilities(), expected, rtol=1e-12)


def test_sums_stay_unbiased_when_answers_are_lost_at_random():
    rng, u, m, heard = np.random.default_rng(1), np.array([3.0, -1.0, 2.0, 5.0, 0.5]), 3, []

    class Listener(Osmd):
        def update(self, selection, values, **extra):
            heard.append(np.sum(values / selection.inclusion))

    curriculum = Curriculum(a_bank(5), Listener(5, prior=[0.3, 0.25, 0.2, 0.15, 0.1]), success_rate, name="listener")
    for _ in range(2000):
        draw = curriculum.ask(m)
        answered = rng.permutation([1, 1, 0])
        curriculum.tell(draw, Feedback(np.where(answered, u[draw.items], np.nan), answered))
    assert abs(np.mean(heard) - np.sum(u)) < 4.5 * np.std(heard) / np.sqrt(len(heard))


def test_whole_number_utilities_are_as_good_as_any():
    ints, floats = bare(), bare()
    ints.tell(ints.ask(2), np.array([1, 0]))
    floats.tell(floats.ask(2), np.array([1.0, 0.0]))
    assert np.array_equal(ints.bandit.probabilities(), floats.bandit.probabilities())


def test_the_signal_is_the_method_s_own():
    feedback = bare().signal(Rollouts(rewards=[[1, 0], [None, None]]))
    assert feedback.values[0] == 0.5
    assert feedback.counts.tolist() == [2, 0]


# What is refused, with the state as it was


def test_a_draw_that_cannot_be_answered_is_refused_with_the_reason():
    curriculum = grouped()
    draw = curriculum.ask(2)
    curriculum.discard(draw)
    with pytest.raises(ValueError, match="draw 0 was already answered or discarded"):
        curriculum.tell(draw, [0.1, 0.2])
    with pytest.raises(ValueError, match="belongs to run"):
        curriculum.tell(grouped().ask(2), [0.1, 0.2])


def test_a_utility_outside_the_range_is_refused_by_the_id_of_its_problem():
    bank = a_bank(10, ids=[f"id-{i}" for i in range(10)], groups=GROUPS)
    curriculum = methods.osmd(bank, utility_range=(0, 1))
    draw = curriculum.ask(3)
    before = copy.deepcopy(curriculum.state_dict())
    with pytest.raises(ValueError, match=r"2\.5") as caught:
        curriculum.tell(draw, [0.1, 2.5, 0.2])
    np.testing.assert_equal(curriculum.state_dict(), before)
    assert f"id-{draw.items[1]}" in str(caught.value)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([0.1], "1 utilities answer a draw of 3"),
        ([0.1] * 4, "4 utilities answer a draw of 3"),
        (0.1, r"shape \(\)"),
        ([[0.1, 0.2, 0.3]], r"shape \(1, 3\)"),
        (Feedback([0.1], [1]), "1 utilities answer a draw of 3"),
    ],
)
def test_utilities_of_the_wrong_shape_are_refused(values, message):
    curriculum = grouped()
    draw = curriculum.ask(3)
    before = copy.deepcopy(curriculum.state_dict())
    with pytest.raises(ValueError, match=message):
        curriculum.tell(draw, values)
    np.testing.assert_equal(curriculum.state_dict(), before)


class Greedy(Osmd):
    """Plays the first arms, and knows no number to divide by."""

    def select(self, size, rng, candidates=None):
        return Selection(np.arange(size), np.full(size, 1 / self.n_arms), None)


def test_a_draw_without_inclusion_is_refused_by_mirror_descent_and_stays_open():
    curriculum = Curriculum(a_bank(4), Greedy(4), success_rate, name="greedy")
    draw = curriculum.ask(2)
    assert draw.inclusion is None
    before = copy.deepcopy(curriculum.state_dict())
    with pytest.raises(ValueError, match="no inclusion probability"):
        curriculum.tell(draw, [0.1, 0.2])
    np.testing.assert_equal(curriculum.state_dict(), before)
    assert [d.ticket for d in curriculum.outstanding] == [draw.ticket]


def test_parts_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="the bandit has 3 arms where 4"):
        Curriculum(a_bank(4), Osmd(3), success_rate, name="x")
    with pytest.raises(ValueError, match="arms cover 3 problems, the bank has 4"):
        Curriculum(a_bank(4), Osmd(2), success_rate, arms=Partition([0, 0, 1]), name="x")


# State


def work(curriculum, rounds, rng, open_draws=()):
    """Answer what is open, then ask and tell; returns everything that can be seen."""
    seen = []
    for draw in open_draws:
        curriculum.tell(draw, rng.normal(size=len(draw)))
    for _ in range(rounds):
        draw = curriculum.ask(3)
        curriculum.tell(draw, rng.normal(size=3))
        seen.append((draw.items.tolist(), draw.probability.tolist(), draw.inclusion.tolist()))
    return seen


def test_the_draw_of_a_lost_future_is_not_taken_for_another():
    curriculum = grouped(seed=1)
    state = copy.deepcopy(curriculum.state_dict())
    lost = curriculum.ask(5)
    curriculum.load_state_dict(state)
    with pytest.raises(ValueError, match="never issued"):
        curriculum.tell(lost, np.zeros(5))
    curriculum.ask(4)
    with pytest.raises(ValueError, match="other items"):
        curriculum.tell(lost, np.zeros(5))


def states_of_others():
    bank = a_bank(10, groups=GROUPS)
    curriculum = methods.osmd(bank)
    curriculum.ask(2)
    good = curriculum.state_dict()

    def with_draw(selection=None, **changes):
        entry = good["outstanding"][0]
        damaged = {"draw": {**entry["draw"], **changes}, "selection": selection or entry["selection"]}
        return {**good, "outstanding": [damaged]}

    return {
        "item": (with_draw(items=np.array([0, 10])), "holds item 10; the bank has 10 problems"),
        "probability": (with_draw(probability=np.array([0.5, 1.5])), "with probability .*1.5.*, which cannot be"),
        "inclusion": (with_draw(inclusion=np.array([0.5, 0.0])), "inclusion .*0. .*, which cannot be"),
        "plays": (with_draw(selection=[np.array([0])] + [None] * 5), "a draw of 2 problems with 1 plays"),
        "serial": ({**good, "serial": 0}, "an open draw 0 of run .*has 0 draws"),
        "run": ({**good, "run": "another"}, "its own run 'another' has 1 draws"),
        "no draws": ({**good, "outstanding": [3]}, "the saved outstanding of curriculum holds no draws"),
        "method": (methods.uniform(bank).state_dict(), "name of curriculum is 'uniform', and 'osmd' here"),
        "arms": (methods.osmd(bank, arms="problems").state_dict(), "arms was 'problems' there and is 'groups' here"),
        "bank": (methods.osmd(a_bank(10, groups=GROUPS[::-1])).state_dict(), "load the bank it was saved with"),
        "format": ({**good, "format": 99}, "format of curriculum is 99"),
        "nothing": ({}, "belongs to a None"),
        "bandit": ({**good, "bandit": Osmd(7).state_dict()}, r"shape \(7,\)"),
        "bandit kind": (
            {**good, "bandit": ShuffledEpochs(3).state_dict()},
            "belongs to a 'shuffled_epochs', not to a 'osmd'",
        ),
    }


@pytest.mark.parametrize("name", states_of_others())
def test_the_state_of_another_is_refused_and_the_curriculum_is_as_it_was(name):
    state, message = states_of_others()[name]
    curriculum = grouped(seed=5)
    work(curriculum, 4, np.random.default_rng(0))
    curriculum.ask(2)
    before = copy.deepcopy(curriculum.state_dict())
    with pytest.raises(ValueError, match=message):
        curriculum.load_state_dict(state)
    np.testing.assert_equal(curriculum.state_dict(), before)


# Entropy


def test_entropy_is_that_over_problems():
    assert grouped().entropy() == pytest.approx(np.log(10))
    assert bare(prior=[0.5, 0.5, 0.0, 0.0]).entropy() == pytest.approx(np.log(2))


def test_a_bandit_without_a_distribution_has_no_entropy():
    class Silent:
        n_arms = 4

    assert np.isnan(Curriculum(a_bank(4), Silent(), success_rate, name="silent").entropy())


# A curator behind it, and banks too large for a table of arms


class FirstOfTheLast:
    """A curator by the contract alone: candidates are the second half of the bank, the first of them are drawn."""

    def __init__(self, n_arms, scored=True, collective=False):
        self.n_arms, self.scored, self.collective = n_arms, scored, collective
        self.heard = []

    def select(self, size, rng, candidates=None):
        chosen = np.arange(self.n_arms // 2, self.n_arms)
        p = np.arange(1.0, len(chosen) + 1) / np.sum(np.arange(1.0, len(chosen) + 1))
        inclusion, by_candidate = np.full(size, 0.5), np.full(len(chosen), 0.25)
        return Selection(chosen[:size], p[:size], inclusion, chosen, p if self.scored else None, by_candidate)

    def update(self, selection, values, *, counts=None, kl=None, cost=None):
        if np.any(values > 90):
            position = int(np.argmax(values > 90))
            raise RefusedUtility(int(selection.arms[position]), position, float(values[position]), "report less")
        self.heard.append((selection, values))

    def diagnostics(self):
        return {"entropy": 1.5, "loss": 0.25}

    def state_dict(self):
        return {"heard": len(self.heard)}

    def load_state_dict(self, state):
        self.heard = [None] * state["heard"]


def curated(n=10, **settings):
    return Curriculum(a_bank(n), FirstOfTheLast(n, **settings), success_rate, name="curated")


@pytest.mark.parametrize("scored", [True, False])
def test_a_draw_among_candidates_carries_them_and_gives_them_back(scored):
    curriculum = curated(scored=scored)
    draw = curriculum.ask(3)
    assert draw.items.tolist() == [5, 6, 7]
    assert draw.candidates.tolist() == [5, 6, 7, 8, 9]
    assert draw.candidate_inclusion.tolist() == [0.25] * 5
    expected = np.arange(1, 6) / 15
    np.testing.assert_allclose(draw.probability, expected[:3])
    curriculum.tell(draw, [0.1, 0.2, 0.3])
    (selection, values), *rest = curriculum.bandit.heard
    assert rest == []
    assert values.tolist() == [0.1, 0.2, 0.3]
    for name in ("candidates", "candidate_inclusion", "probability", "inclusion"):
        np.testing.assert_array_equal(getattr(selection, name), getattr(draw, name))
    if scored:
        np.testing.assert_allclose(selection.candidate_probability, expected)
    else:
        assert selection.candidate_probability is None
        assert draw.candidate_probability is None


def test_missing_answers_reach_a_curator_with_all_candidates_and_scaled_inclusion():
    curriculum = curated()
    draw = curriculum.ask(4)
    curriculum.tell(draw, Feedback([0.1, 0.2, 0.3, 0.4], [3, 0, 0, 1]))
    selection, values = curriculum.bandit.heard[0]
    assert selection.arms.tolist() == [5, 8]
    np.testing.assert_allclose(selection.inclusion, 0.25)
    np.testing.assert_allclose(selection.probability, [1 / 15, 4 / 15])
    assert len(selection.candidates) == len(selection.candidate_probability) == 5
    assert values.tolist() == [0.1, 0.4]
    curriculum.tell(curriculum.ask(4), Feedback(np.zeros(4), np.zeros(4, dtype=int)))
    assert len(curriculum.bandit.heard) == 1


def test_a_utility_that_a_curator_refuses_is_named_by_its_problem():
    curriculum = Curriculum(a_bank(10, ids=[f"id-{i}" for i in range(10)]), FirstOfTheLast(10), success_rate, name="x")
    draw = curriculum.ask(4)
    with pytest.raises(ValueError, match=r"problem 'id-8' \(item 8\) is 99.0; report less"):
        curriculum.tell(draw, Feedback([0.1, 0.2, 0.3, 99.0], [1, 0, 1, 1]))
    assert [d.ticket for d in curriculum.outstanding] == [draw.ticket]
    assert curriculum.bandit.heard == []


def test_a_draw_among_candidates_is_part_of_the_state(tmp_path):
    curriculum, twin = curated(), curated()
    draw = curriculum.ask(3)
    save_state(tmp_path / "state.npz", curriculum.state_dict())
    twin.load_state_dict(load_state(tmp_path / "state.npz"))
    np.testing.assert_equal(twin.outstanding[0].state_dict(), draw.state_dict())
    twin.tell(draw, np.zeros(3))
    np.testing.assert_array_equal(twin.bandit.heard[0][0].candidates, draw.candidates)


def test_diagnostics_are_those_of_the_bandit_and_entropy_is_among_them():
    assert curated().diagnostics() == {"entropy": 1.5, "loss": 0.25}
    assert curated().entropy() == 1.5
    assert grouped().diagnostics() == {}


def test_a_curriculum_is_collective_where_its_bandit_says_so():
    assert curated(collective=True).collective
    assert not curated().collective
    assert not grouped().collective


def test_a_bandit_that_draws_among_candidates_takes_no_arms():
    curriculum = Curriculum(a_bank(4), FirstOfTheLast(2), success_rate, arms=Partition([0, 0, 1, 1]), name="x")
    with pytest.raises(ValueError, match="give no arms"):
        curriculum.ask(1)


def test_without_arms_every_problem_is_one():
    curriculum, spelt = bare(6), bare(6)
    spelt.arms = Partition(np.arange(6))
    assert curriculum.arms is None
    for _ in range(5):
        draw, same = curriculum.ask(2), spelt.ask(2)
        np.testing.assert_array_equal(draw.items, same.items)
        np.testing.assert_allclose(draw.inclusion, same.inclusion)
        curriculum.tell(draw, [0.1, -0.2])
        spelt.tell(same, [0.1, -0.2])
    np.testing.assert_allclose(curriculum.bandit.probabilities(), spelt.bandit.probabilities(), rtol=1e-12)
    assert curriculum.entropy() == pytest.approx(spelt.entropy())
    with pytest.raises(ValueError, match="the bandit has 3 arms where 4"):
        Curriculum(a_bank(4), Osmd(3), success_rate, name="x")


class Listener:
    """A bandit that weighs evidence, and keeps what it heard."""

    n_arms = 4

    def __init__(self):
        self.heard = []

    def select(self, size, rng, candidates=None):
        arms = np.arange(size)
        return Selection(arms, np.full(size, 0.25), np.full(size, size / 4))

    def update(self, selection, values, *, counts=None, kl=None, cost=None):
        self.heard.append((selection, values, counts, kl, cost))

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        pass


def test_a_bandit_hears_counts_kl_and_cost_of_what_was_answered():
    bandit = Listener()
    curriculum = Curriculum(a_bank(4), bandit, success_rate, name="listener")
    feedback = Feedback([0.5, np.nan, 1.0], [8, 0, 6], kl=[0.1, 0.2, 0.3], cost=[10, 20, 30])
    curriculum.tell(curriculum.ask(3), feedback)
    curriculum.tell(curriculum.ask(2), [0.0, 1.0])
    (selection, *heard), (_, _, counts, kl, cost) = bandit.heard
    assert selection.arms.tolist() == [0, 2]
    assert selection.inclusion.tolist() == [0.75 * 2 / 3] * 2
    assert [each.tolist() for each in heard] == [[0.5, 1], [8, 6], [0.1, 0.3], [10, 30]]
    assert (counts.tolist(), kl, cost) == ([1, 1], None, None)


def test_rollouts_are_judged_by_the_signal_of_the_method_and_cost_their_tokens():
    bandit = Listener()
    curriculum = Curriculum(a_bank(4), bandit, success_rate, name="listener")
    rewards = [[1, 0], [None, None], [1, 1]]
    curriculum.tell(curriculum.ask(3), Rollouts(rewards, lengths=[[3, 4], [1, 1], [2, np.float64(5)]]))
    curriculum.tell(curriculum.ask(3), Rollouts(rewards))
    (selection, *heard), (*_, cost) = bandit.heard
    assert selection.arms.tolist() == [0, 2]
    values, counts, kl, tokens = heard
    assert (values.tolist(), counts.tolist(), kl, tokens.tolist()) == ([0.5, 1.0], [2, 2], None, [7, 7])
    assert cost is None


def test_what_a_group_played_comes_back_whole_and_is_divided_for_problems_only():
    curriculum = grouped()
    heard = []
    update = curriculum.bandit.update
    curriculum.bandit.update = lambda selection, values, **extra: (heard.append(selection), update(selection, values))
    draw = curriculum.ask(4)
    curriculum.tell(draw, np.zeros(4))
    (selection,) = heard
    sizes = curriculum.arms.sizes[selection.arms]
    np.testing.assert_array_equal(selection.arms, curriculum.arms.arm_of[draw.items])
    np.testing.assert_array_equal(selection.probability / sizes, draw.probability)
    np.testing.assert_array_equal(selection.inclusion / sizes, draw.inclusion)


# A batch for the length of a block


def test_a_batch_has_its_prompts_and_tells_rewards():
    bandit = Listener()
    curriculum = Curriculum(a_bank(4), bandit, success_rate, name="listener")
    with curriculum.draw(2) as batch:
        assert list(batch.prompts) == [curriculum.bank.prompts[item] for item in batch.items]
        with pytest.raises(ValueError, match="3 utilities answer a draw of 2"):
            batch.tell(np.zeros((3, 4)))
        batch.tell([[1.0, None], [0.0, 1.0]])
    assert bandit.heard[0][1].tolist() == [1.0, 0.5]
    with curriculum.draw(2) as batch:
        batch.tell([0.25, 0.75])
    assert bandit.heard[1][1].tolist() == [0.25, 0.75]
    assert curriculum.outstanding == ()


def test_a_batch_is_discarded_where_its_block_raises_or_forgets_to_tell():
    curriculum = bare(6)
    with pytest.raises(KeyError, match="lost"), curriculum.draw(2):
        raise KeyError("lost")
    assert curriculum.outstanding == ()
    with pytest.raises(RuntimeError, match=r"call batch.tell\(rewards\)"), curriculum.draw(2):
        pass
    assert curriculum.outstanding == ()


def test_shuffled_arms_are_part_of_the_state_and_a_refused_state_leaves_them_alone():
    def made():
        arms = Partition([0] * 5 + [1] * 5, within="epochs")
        return Curriculum(a_bank(10), Osmd(2, capacity=arms.sizes), success_rate, arms=arms, name="lists", seed=3)

    one, other = made(), made()
    for _ in range(3):
        one.tell(one.ask(3), [0.0, 1.0, 0.5])
    state = one.state_dict()
    other.ask(4)
    kept = copy.deepcopy(other.state_dict())
    with pytest.raises(ValueError, match="another"):
        other.load_state_dict({**state, "bandit": {**state["bandit"], "kind": "another"}})
    assert np.array_equal(other.state_dict()["arms"]["order"], kept["arms"]["order"])
    other.load_state_dict(state)
    assert [one.ask(3).items.tolist() for _ in range(6)] == [other.ask(3).items.tolist() for _ in range(6)]
    with pytest.raises(ValueError, match="the saved arms of curriculum is None"):
        other.load_state_dict({**state, "arms": None})
