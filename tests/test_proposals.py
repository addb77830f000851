"""Proposals: each problem once an epoch, every set equally likely, and state that continues bit for bit."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curriculum_bandits.proposals import ShuffledProposal, UniformProposal


@given(st.integers(1, 40), st.lists(st.integers(1, 40), min_size=1, max_size=12), st.integers(0, 2**32))
@settings(max_examples=150)
def test_every_problem_comes_once_an_epoch(n, sizes, seed):
    proposal, rng = ShuffledProposal(n), np.random.default_rng(seed)
    counts = np.zeros(n, dtype=int)
    for size in sizes:
        chosen, inclusion = proposal.propose(min(size, n), rng)
        assert inclusion is None
        assert len(set(chosen.tolist())) == min(size, n)
        counts[chosen] += 1
        epochs, rest = divmod(int(counts.sum()), n)
        # Within an epoch all are level; a set that crosses its end holds nothing twice.
        assert counts.min() >= epochs
        assert counts.max() <= epochs + (rest > 0)


def test_every_pair_is_equally_likely_at_every_place_of_the_epoch():
    """Two sets of two out of five, ten thousand times: 30 ordered pairs of sets, a chi-square test on each place."""
    rng, trials = np.random.default_rng(4), 12_000
    pairs = {pair: i for i, pair in enumerate(itertools.combinations(range(5), 2))}
    joint = np.zeros((10, 10))
    crossing = np.zeros(5)
    for _ in range(trials):
        proposal = ShuffledProposal(5)
        proposal.propose(5, rng)  # an order that is no longer ascending
        first, second = (tuple(sorted(proposal.propose(2, rng)[0].tolist())) for _ in range(2))
        joint[pairs[first], pairs[second]] += 1
        third, _ = proposal.propose(2, rng)
        crossing[third[1]] += 1
    possible = np.array([[not set(a) & set(b) for b in pairs] for a in pairs])
    assert not joint[~possible].any()
    expected = trials / possible.sum()
    assert np.sum((joint[possible] - expected) ** 2 / expected) < 70  # 29 degrees of freedom, far beyond 99.99 %
    assert np.sum((crossing - trials / 5) ** 2 / (trials / 5)) < 30  # the first of the next epoch


def test_a_uniform_proposal_includes_each_with_probability_m_over_n():
    rng, proposal, trials = np.random.default_rng(0), UniformProposal(12), 6000
    counts = np.zeros(12)
    for _ in range(trials):
        candidates, inclusion = proposal.propose(5, rng)
        assert inclusion is not None
        counts[candidates] += 1.0 / inclusion
    z = (counts / trials - 1.0) / np.sqrt((12 / 5 - 1) / trials)
    assert np.max(np.abs(z)) < 4.0


@pytest.mark.parametrize("make", [UniformProposal, ShuffledProposal])
def test_a_saved_proposal_continues(make):
    original, rng = make(10), np.random.default_rng(1)
    original.propose(7, rng)
    state, place = original.state_dict(), rng.bit_generator.state
    expected = [original.propose(4, rng)[0] for _ in range(5)]
    twin, again = make(10), np.random.default_rng()
    twin.load_state_dict(state)
    again.bit_generator.state = place
    assert np.array_equal(expected, [twin.propose(4, again)[0] for _ in range(5)])


def test_a_state_is_a_snapshot_and_a_foreign_one_leaves_no_trace():
    proposal, rng = ShuffledProposal(6), np.random.default_rng(1)
    proposal.propose(2, rng)
    state = proposal.state_dict()
    proposal.propose(3, rng)
    assert state["used"] == 2
    kept = proposal.state_dict()
    for wrong in (
        {**state, "order": np.zeros(6, dtype=np.int32)},
        {**state, "order": state["order"] + 1},
        {**state, "used": 7},
        ShuffledProposal(7).state_dict(),
    ):
        with pytest.raises(ValueError, match="saved order"):
            proposal.load_state_dict(wrong)
        assert all(np.array_equal(kept[name], proposal.state_dict()[name]) for name in kept)
    with pytest.raises(ValueError, match="saved n of uniform_proposal is 5, and 6 here"):
        UniformProposal(6).load_state_dict(UniformProposal(5).state_dict())


@pytest.mark.parametrize("make", [UniformProposal, ShuffledProposal])
@pytest.mark.parametrize("size", [0, 6])
def test_an_impossible_set_is_refused(make, size):
    with pytest.raises(ValueError, match=f"{size} candidates"):
        make(5).propose(size, np.random.default_rng(0))
    with pytest.raises(ValueError, match="n_problems is 0"):
        make(0)
