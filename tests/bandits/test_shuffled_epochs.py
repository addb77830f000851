"""Every arm once an epoch, none twice in a batch, and a marginal chance of m/K."""

import numpy as np
import pytest

from curriculum_bandits.bandits import ShuffledEpochs


@pytest.mark.parametrize(("n", "size"), [(12, 4), (10, 3), (10, 7), (5, 5), (7, 1), (9, 8)])
def test_every_arm_once_an_epoch_and_none_twice_in_a_batch(n, size):
    epochs, rng = ShuffledEpochs(n), np.random.default_rng(0)
    batches = [epochs.select(size, rng).arms for _ in range(n * 6)]
    for batch in batches:
        assert len(set(batch.tolist())) == size
    for epoch in np.concatenate(batches).reshape(-1, n):
        assert sorted(epoch.tolist()) == list(range(n))


def test_batches_of_changing_size_keep_the_epochs():
    epochs, rng = ShuffledEpochs(11), np.random.default_rng(1)
    sizes = rng.integers(1, 12, 300)
    batches = [epochs.select(int(size), rng).arms for size in sizes]
    assert all(len(set(b.tolist())) == len(b) for b in batches)
    whole = np.concatenate(batches)
    for epoch in whole[: len(whole) // 11 * 11].reshape(-1, 11):
        assert sorted(epoch.tolist()) == list(range(11))


def test_the_recorded_inclusion_is_the_marginal_chance():
    n, size, runs = 7, 3, 20_000
    epochs, rng = ShuffledEpochs(n, runs=runs), np.random.default_rng(2)
    for _ in range(5):  # the third batch crosses the end of an epoch
        selection = epochs.select(size, rng)
        assert np.all(selection.probability == 1 / n)
        assert np.all(selection.inclusion == size / n)
        counts = np.sum(selection.arms[..., None] == np.arange(n), axis=(0, 1))
        z = (counts - runs * size / n) / np.sqrt(runs * size / n * (1 - size / n))
        assert np.all(np.abs(z) < 4.5), z


def test_arms_that_had_to_wait_are_spread_over_what_is_left_of_the_epoch():
    runs, rng = 4000, np.random.default_rng(8)
    epochs = ShuffledEpochs(7, runs=runs)
    epochs.select(5, rng)
    crossing, rest = epochs.select(5, rng).arms, epochs.select(4, rng).arms
    waited = np.any(rest[:, :, None] == crossing[:, None, :2], axis=2)  # held over from the first epoch
    assert np.all(np.sum(waited, axis=1) == 2)
    assert np.all(np.abs(np.mean(waited, axis=0) - 0.5) < 4.5 * 0.5 / np.sqrt(runs))


def test_orders_differ_between_epochs_and_seeds():
    epochs, rng = ShuffledEpochs(20), np.random.default_rng(3)
    first, second = epochs.select(20, rng).arms.tolist(), epochs.select(20, rng).arms.tolist()
    other = ShuffledEpochs(20).select(20, np.random.default_rng(4)).arms.tolist()
    assert first != second
    assert first != other


def test_it_learns_nothing():
    epochs, rng = ShuffledEpochs(3), np.random.default_rng(7)
    selection = epochs.select(2, rng)
    epochs.update(selection, np.array([1e9, -1e9]))
    assert epochs.probabilities().tolist() == [1 / 3] * 3
    assert ShuffledEpochs(3, runs=2).probabilities().shape == (2, 3)


@pytest.mark.parametrize("size", [0, 4, -1])
def test_a_batch_of_impossible_size_is_refused_and_nothing_is_drawn(size):
    epochs = ShuffledEpochs(3)
    before = epochs.state_dict()
    with pytest.raises(ValueError, match=f"{size} arms are asked for"):
        epochs.select(size, np.random.default_rng(0))
    np.testing.assert_equal(epochs.state_dict(), before)


def test_what_does_not_belong_here_is_refused():
    with pytest.raises(ValueError, match="n_arms is 0"):
        ShuffledEpochs(0)
    with pytest.raises(ValueError, match="no candidates"):
        ShuffledEpochs(3).select(1, np.random.default_rng(0), candidates=np.array([1]))
    for order in ([[1, 1]], [[0, 3]]):
        with pytest.raises(ValueError, match="holds an arm twice, or one outside"):
            ShuffledEpochs(3).load_state_dict({**ShuffledEpochs(3).state_dict(), "order": np.array(order)})
