"""Each sampler against the one promise it makes: dividing by `inclusion` gives unbiased sums."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curriculum_bandits.projection import kl_projection
from curriculum_bandits.sampling import (
    categorical,
    gumbel_top_k,
    inclusion_probabilities,
    nucleus,
    systematic,
    systematic_counts,
    with_replacement,
)

DRAWS = 40_000
SIGMAS = 4.5  # two-sided chance of 7e-6 per comparison; seeds are fixed

CASES = {  # weights and size
    "zeros": ([0.0, 3.0, 0.0, 1.0, 2.0, 0.5, 0.0], 3),
    "one holds nearly all": ([1e6, 1.0, 2.0, 3.0, 4.0], 2),
    "one item": ([1.0, 2.0, 3.0, 4.0], 1),
    "all items": ([5.0, 1.0, 0.1, 3.0], 4),
    "equal": ([1.0] * 9, 4),
}


def counts_of(items, n):
    return np.sum(np.asarray(items)[..., None] == np.arange(n), axis=-2)


def assert_mean(samples, expected):
    """z-test of the mean over the first axis; what never varies must be exact."""
    error = np.abs(np.mean(samples, axis=0) - expected)
    standard_error = np.std(samples, axis=0, ddof=1) / np.sqrt(len(samples))
    assert np.all(error <= SIGMAS * standard_error + 1e-9), (error, standard_error)


class FixedPoint(np.random.Generator):
    """A generator whose uniform numbers are one given number and whose permutations change nothing."""

    def __init__(self, point):
        super().__init__(np.random.PCG64(0))
        self.point = point

    def random(self, size=None):
        return np.full(size, self.point)

    def permuted(self, x, *, axis=None, out=None):
        return np.array(x)


# Inclusion probabilities


@pytest.mark.parametrize(("weights", "size"), CASES.values(), ids=CASES)
def test_inclusion_is_proportional_capped_and_sums_to_the_size(weights, size):
    weights = np.array(weights)
    inclusion = inclusion_probabilities(weights, size)
    assert np.sum(inclusion) == pytest.approx(size, abs=1e-9)
    assert np.all((inclusion >= 0) & (inclusion <= 1))
    assert np.array_equal(inclusion > 0, weights > 0)
    free = (inclusion > 0) & (inclusion < 1)
    if np.any(free):
        factor = inclusion[free] / weights[free]
        np.testing.assert_allclose(factor, factor[0], rtol=1e-9)
        assert np.all(weights[inclusion == 1] * factor[0] >= 1 - 1e-9)


def test_inclusion_by_hand():
    # 100 takes a whole place, then 1 : 2 : 3 share two: 3 takes one, and 1 : 2 share the last.
    np.testing.assert_allclose(inclusion_probabilities([100, 1, 2, 3], 3), [1, 1 / 3, 2 / 3, 1], rtol=1e-12)


def test_inclusion_of_several_runs_equals_each_alone():
    weights = np.random.default_rng(0).exponential(size=(5, 3, 8)) ** 3
    together = inclusion_probabilities(weights, 4)
    for run in np.ndindex(5, 3):
        np.testing.assert_allclose(together[run], inclusion_probabilities(weights[run], 4), atol=1e-12)


def test_weights_of_any_range_are_fine():
    np.testing.assert_allclose(inclusion_probabilities([1e300, 1e-300, 1e-300], 2), [1.0, 0.5, 0.5])


@pytest.mark.parametrize(
    ("weights", "size", "message"),
    [
        ([1.0, 0.0, 2.0], 3, "only 2 weights are positive but 3"),
        ([[1.0, 1.0], [1.0, 0.0]], 2, "only 1 weights are positive but 2"),
        ([1.0, np.nan], 1, r"weight at index \(1,\) is nan"),
        ([[1.0, 1.0], [np.inf, 1.0]], 1, r"weight at index \(1, 0\) is inf"),
        ([1.0, -0.5], 1, r"weight at index \(1,\) is -0.5"),
        ([1.0, 1.0], 0, "size is 0"),
        ([1.0, 1.0], -2, "size is -2"),
    ],
)
def test_bad_weights_are_named(weights, size, message):
    with pytest.raises(ValueError, match=message):
        inclusion_probabilities(weights, size)


# Systematic sampling


@pytest.mark.parametrize(("weights", "size"), CASES.values(), ids=CASES)
def test_systematic_inclusion_is_what_it_says(weights, size):
    inclusion = inclusion_probabilities(weights, size)
    items = systematic(np.broadcast_to(inclusion, (DRAWS, len(weights))), np.random.default_rng(1))
    counts = counts_of(items, len(weights))
    assert items.shape == (DRAWS, size)
    assert np.max(counts) == 1  # distinct
    assert np.all(counts[:, inclusion == 0] == 0)
    assert np.all(counts[:, inclusion == 1] == 1)
    z = (np.mean(counts, axis=0) - inclusion) / np.sqrt(np.maximum(inclusion * (1 - inclusion), 1e-12) / DRAWS)
    assert np.all(np.abs(z) < SIGMAS), z


def test_systematic_inclusion_of_single_draws_is_what_it_says():
    inclusion, rng = inclusion_probabilities([4.0, 3.0, 2.0, 1.0, 1.0], 2), np.random.default_rng(2)
    counts = counts_of(np.array([systematic(inclusion, rng) for _ in range(3000)]), 5)
    assert_mean(counts, inclusion)


def test_systematic_totals_are_unbiased():
    weights, values = np.array([9.0, 4.0, 3.0, 2.0, 1.0, 0.5]), np.array([1.0, -2.0, 30.0, 4.0, 0.0, 10.0])
    inclusion = inclusion_probabilities(weights, 3)
    items = systematic(np.broadcast_to(inclusion, (DRAWS, 6)), np.random.default_rng(3))
    assert_mean(np.sum(values[items] / inclusion[items], axis=1), np.sum(values))


def test_equal_inclusion_draws_every_pair_equally_often():
    n, size = 6, 3
    items = systematic(np.full((DRAWS, n), size / n), np.random.default_rng(4))
    counts = counts_of(items, n)
    pairs = counts[:, :, None] * counts[:, None, :]
    expected = np.full((n, n), size * (size - 1) / (n * (n - 1)))
    np.fill_diagonal(expected, size / n)
    assert_mean(pairs, expected)


def test_runs_are_drawn_independently():
    inclusion = np.broadcast_to([0.5, 0.25, 0.25, 1.0], (2, 4))
    rng = np.random.default_rng(5)
    counts = np.array([counts_of(systematic(inclusion, rng), 4) for _ in range(3000)])
    assert_mean(counts[:, 0, :, None] * counts[:, 1, None, :], np.outer(inclusion[0], inclusion[0]))


@settings(max_examples=150)
@given(st.data())
def test_systematic_draws_distinct_items_of_positive_weight(data):
    weights = np.array(data.draw(st.lists(st.just(0.0) | st.floats(1e-12, 1e12), min_size=1, max_size=30)))
    positive = int(np.sum(weights > 0))
    if positive == 0:
        return
    size = data.draw(st.integers(1, positive))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    items = systematic(inclusion_probabilities(weights, size), rng)
    assert len(set(items.tolist())) == size
    assert np.all(weights[items] > 0)


@pytest.mark.parametrize("point", [0.0, np.nextafter(1.0, 0.0)])
@pytest.mark.parametrize("inclusion", [[0.0, 0.5, 0.5, 0.0], [0.0, 1.0, 0.0, 1.0], [0.0, *[0.1] * 10, 0.0]])
def test_the_ends_of_the_unit_interval_draw_no_item_of_weight_zero(inclusion, point):
    items = systematic(inclusion, FixedPoint(point))
    assert len(items) == round(sum(inclusion))
    assert np.all(np.array(inclusion)[items] > 0)


@settings(max_examples=150)
@given(st.data())
def test_one_run_is_drawn_as_it_would_be_beside_others(data):
    """Looking up the points that are drawn, and counting the points that each arm holds, are the same draw."""
    capacity = np.array(data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=12)), dtype=float)
    size = data.draw(st.integers(1, int(capacity.sum())))
    weights = data.draw(st.lists(st.floats(0.01, 100.0), min_size=len(capacity), max_size=len(capacity)))
    expected = size * kl_projection(np.log(weights), 0.0, capacity / size)
    expected = np.minimum(expected, capacity)
    seed = data.draw(st.integers(0, 2**32))
    alone = systematic_counts(expected, capacity, np.random.default_rng(seed))
    beside = systematic_counts(expected[None], capacity, np.random.default_rng(seed))[0]
    np.testing.assert_array_equal(alone, beside)


@pytest.mark.parametrize("shape", [(), (3,)])
def test_categorical_draws_in_proportion_to_weights(shape):
    weights = np.array([0.0, 3.0, 1.0, 0.0, 2.0, 0.0])
    items = categorical(np.broadcast_to(weights, (*shape, 6)), 20_000, np.random.default_rng(3))
    one_by_one = np.stack(
        [categorical(np.broadcast_to(weights, (*shape, 6)), 1, np.random.default_rng(s))[..., 0] for s in range(4000)],
        -1,
    )
    for drawn in (items, one_by_one):
        assert_mean((drawn.reshape(-1, 1) == np.arange(6)).astype(float), weights / 6.0)


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("total", [1.0, 0.1 + 0.2, 1e-300, 7.3e200])
def test_categorical_never_draws_a_weight_of_zero_at_the_ends(total, size):
    weights = total * np.array([0.0, 1 / 3, 0.0, 2 / 3, 0.0])
    for point, item in ((0.0, 1), (np.nextafter(1.0, 0.0), 3)):
        for values in (weights, weights[None]):
            assert np.all(categorical(values, size, FixedPoint(point)) == item)


def test_large_banks_lose_no_item_to_rounding():
    rng = np.random.default_rng(6)
    inclusion = inclusion_probabilities(rng.exponential(size=200_000) ** 4, 5000)
    for _ in range(5):
        items = systematic(inclusion, rng)
        assert len(np.unique(items)) == 5000


@pytest.mark.parametrize(
    ("inclusion", "message"),
    [
        ([0.5, 0.2], "sums to 0.7,"),
        ([1.5, 0.5], "inclusion probability is 1.5 > 1"),
        ([-0.25, 0.25], r"at index \(0,\) is -0.25"),
        ([np.nan, 1.0], r"at index \(0,\) is nan"),
        ([[0.5, 0.5], [0.5, 0.75]], "sums to 1.25,"),
        ([[1.0, 1.0], [0.5, 0.75]], "sums to 1.25,"),
    ],
)
def test_systematic_names_what_it_cannot_draw(inclusion, message):
    with pytest.raises(ValueError, match=message):
        systematic(inclusion, np.random.default_rng(0))


def test_counts_are_expectations_rounded_up_or_down():
    expected, capacity = np.array([2.3, 0.0, 0.5, 4.0, 1.2]), np.array([3.0, 5.0, 1.0, 4.0, np.inf])
    arms = systematic_counts(np.broadcast_to(expected, (DRAWS, 5)), capacity, np.random.default_rng(7))
    counts = counts_of(arms, 5)
    assert arms.shape == (DRAWS, 8)
    assert np.all((counts == np.floor(expected)) | (counts == np.ceil(expected)))
    assert_mean(counts, expected)


def test_an_expected_count_above_capacity_is_named():
    with pytest.raises(ValueError, match=r"2\.5"):
        systematic_counts([2.5, 0.5], [2.0, 1.0], np.random.default_rng(0))


# Gumbel top-k


def gumbel_contributions(log_weights, size, seed):
    """Sum over drawn j = x of 1 / inclusion_j, for every draw and item."""
    n = len(log_weights)
    items, inclusion = gumbel_top_k(np.broadcast_to(log_weights, (DRAWS, n)), size, np.random.default_rng(seed))
    contributions = np.zeros((DRAWS, n))
    np.put_along_axis(contributions, items, 1 / inclusion, axis=1)
    return items, inclusion, contributions


@pytest.mark.parametrize("size", [1, 2, 4, 5])
def test_gumbel_top_k_is_unbiased_for_every_item_and_total(size):
    log_weights, values = np.log([5.0, 4.0, 2.0, 1.0, 0.5]) + 3.0, np.array([1.0, -3.0, 2.0, 10.0, 0.0])
    items, _, contributions = gumbel_contributions(log_weights, size, seed=8)
    assert np.all(np.diff(np.sort(items, axis=1), axis=1) > 0)  # distinct
    assert_mean(contributions, np.ones(5))
    assert_mean(contributions @ values, np.sum(values))


def test_gumbel_top_k_draws_sequentially():
    p = np.array([0.5, 0.3, 0.2])
    items, _, _ = gumbel_contributions(np.log(p), 2, seed=9)
    first_two = np.zeros((DRAWS, 3, 3))
    first_two[np.arange(DRAWS), items[:, 0], items[:, 1]] = 1
    expected = p[:, None] * p[None, :] / (1 - p[:, None])
    np.fill_diagonal(expected, 0.0)
    assert_mean(first_two, expected)


def test_gumbel_top_k_never_draws_weight_zero():
    log_weights = np.array([0.0, -np.inf, 1.0, -np.inf])
    items, inclusion, contributions = gumbel_contributions(log_weights, 2, seed=10)
    assert set(items.ravel()) == {0, 2}
    assert np.all(inclusion == 1)  # all that can be drawn is drawn
    assert np.all(contributions[:, [0, 2]] == 1)
    items, _, contributions = gumbel_contributions(log_weights, 1, seed=11)
    assert set(items.ravel()) == {0, 2}
    assert_mean(contributions, [1, 0, 1, 0])


def test_gumbel_top_k_with_one_item_holding_nearly_all():
    items, inclusion, contributions = gumbel_contributions(np.log([1e6, 1.0, 2.0]), 2, seed=12)
    assert np.all(np.any(items == 0, axis=1))
    assert np.all(inclusion[items == 0] > 0.99)
    assert_mean(contributions, np.ones(3))


def test_gumbel_runs_are_independent():
    _, _, contributions = gumbel_contributions(np.log([3.0, 2.0, 1.0]), 2, seed=13)
    assert abs(np.corrcoef(contributions[0::2, 1], contributions[1::2, 1])[0, 1]) < SIGMAS / np.sqrt(DRAWS / 2)


@pytest.mark.parametrize(
    ("log_weights", "size", "message"),
    [
        ([0.0, -np.inf], 2, "only 1 log weights are finite but 2"),
        ([0.0, np.nan], 1, "index .*1.* is nan"),
        ([np.inf, 0.0], 1, "index .*0.* is inf"),
        ([0.0, 0.0], 0, "size is 0"),
    ],
)
def test_gumbel_top_k_names_what_it_cannot_draw(log_weights, size, message):
    with pytest.raises(ValueError, match=message):
        gumbel_top_k(log_weights, size, np.random.default_rng(0))


# Independent draws


P, VALUES = np.array([0.4, 0.0, 0.35, 0.25]), np.array([1.0, 50.0, -2.0, 3.0])


def test_independent_draws_are_unbiased_for_every_item_and_total():
    items, inclusion = with_replacement(np.broadcast_to(P, (DRAWS, 4)), 3, np.random.default_rng(14))
    np.testing.assert_allclose(inclusion, 3 * P[items], rtol=1e-15)
    contributions = counts_of(items, 4) / np.where(P > 0, 3 * P, 1.0)
    assert_mean(contributions, [1, 0, 1, 1])
    assert_mean(np.sum(VALUES[items] / inclusion, axis=1), 2.0)
    a, b = contributions[0::2, 0], contributions[1::2, 0]
    assert abs(np.corrcoef(a, b)[0, 1]) < SIGMAS / np.sqrt(DRAWS / 2)  # runs share nothing


def test_independent_draws_of_a_single_run_are_unbiased():
    rng = np.random.default_rng(15)
    draws = [with_replacement(P, 3, rng) for _ in range(4000)]
    assert_mean([np.bincount(items, 1 / inclusion, minlength=4) for items, inclusion in draws], [1, 0, 1, 1])


def test_independent_draws_do_not_depend_on_each_other():
    items, _ = with_replacement(np.broadcast_to(P, (DRAWS, 4)), 2, np.random.default_rng(16))
    pairs = np.eye(4)[items[:, 0], :, None] * np.eye(4)[items[:, 1], None, :]
    assert_mean(pairs, np.outer(P, P))


@pytest.mark.parametrize("leading", [(), (2,)], ids=["one run", "two runs"])
@pytest.mark.parametrize("point", [0.0, np.nextafter(1.0, 0.0)])
@pytest.mark.parametrize("p", [[0.0, 1.0, 0.0], [0.0, *[0.1] * 10, 0.0]])
def test_independent_draws_at_the_ends_of_the_unit_interval(p, point, leading):
    items, inclusion = with_replacement(np.broadcast_to(p, (*leading, len(p))), 2, FixedPoint(point))
    assert items.shape == (*leading, 2)
    assert np.all(np.array(p)[items] > 0)
    assert np.all(inclusion > 0)


def test_the_same_item_may_be_drawn_more_often_than_once():
    items, inclusion = with_replacement([0.0, 1.0], 3, np.random.default_rng(0))
    assert items.tolist() == [1, 1, 1]
    assert inclusion.tolist() == [3.0, 3.0, 3.0]


@pytest.mark.parametrize(
    ("p", "size", "message"),
    [
        ([0.5, 0.6], 1, "sum to 1.1,"),
        ([[0.5, 0.5], [0.5, 0.6]], 1, "sum to 1.1,"),
        ([-0.5, 1.5], 1, r"index \(0,\) is -0.5"),
        ([np.nan, 1.0], 1, r"index \(0,\) is nan"),
        ([1.0, 0.0], 0, "size is 0"),
    ],
)
def test_independent_draws_name_what_they_cannot_draw(p, size, message):
    with pytest.raises(ValueError, match=message):
        with_replacement(p, size, np.random.default_rng(0))


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng: systematic([0.5] * 8, rng),
        lambda rng: gumbel_top_k(np.zeros(8), 4, rng)[0],
        lambda rng: with_replacement([0.125] * 8, 4, rng)[0],
        lambda rng: nucleus([0.125] * 8, 4, rng, top_p=0.25),
    ],
)
def test_the_generator_is_the_only_source_of_randomness(draw):
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    assert draw(np.random.default_rng(3)).tolist() == draw(np.random.default_rng(3)).tolist()
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002


# The paper's nucleus


NUCLEUS_DRAWS = 3000


def nucleus_draws(probabilities, size, seed, **settings):
    rng = np.random.default_rng(seed)
    return np.array([nucleus(probabilities, size, rng, **settings) for _ in range(NUCLEUS_DRAWS)])


def assert_ordered_pairs(items, expected):
    """First and second item of every draw, against the chance of each ordered pair."""
    n = len(expected)
    assert_mean(np.eye(n)[items[:, 0], :, None] * np.eye(n)[items[:, 1], None, :], expected)


def sequential(p):
    """Chance of each ordered pair when the second is drawn in proportion to p from what the first left."""
    return np.where(np.eye(len(p)), 0.0, np.outer(p / (1 - p), p))


def then_uniform(p):
    """Chance of each ordered pair when the second is drawn uniformly from what the first left."""
    return np.where(np.eye(len(p)), 0.0, p[:, None] / (len(p) - 1))


@pytest.mark.parametrize(
    ("p", "top_p"), [([0.02, 0.95, 0.0, 0.03], 0.9), ([0.1, 0.2, 0.3, 0.4], 0.0), ([0.0, 0.0, 1.0, 0.0], 0.999)]
)
def test_where_one_item_holds_more_than_the_nucleus_all_are_drawn_uniformly(p, top_p):
    items = nucleus_draws(p, 2, seed=30, top_p=top_p)
    assert np.max(counts_of(items, 4)) == 1
    assert_ordered_pairs(items, then_uniform(np.full(4, 0.25)))


@pytest.mark.parametrize("p", [[0.1, 0.4, 0.2, 0.3], [0.25] * 4], ids=["unequal", "equal"])
def test_a_nucleus_of_at_least_the_batch_draws_in_proportion_without_replacement(p):
    p = np.array(p)
    items = nucleus_draws(p, 2, seed=31)
    assert_mean(np.eye(4)[items[:, 0]], p)
    assert_ordered_pairs(items, sequential(p))


def test_the_nucleus_counts_only_items_that_stay_within_its_mass():
    p = np.array([0.15, 0.5, 0.05, 0.3])
    for top_p, expected in ((0.5, then_uniform(p)), (0.75, then_uniform(p)), (0.8, sequential(p))):
        assert_ordered_pairs(nucleus_draws(p, 2, seed=32, top_p=top_p), expected)


def test_a_mass_that_is_reached_but_for_rounding_counts():
    p = np.array([0.4, 0.2, 0.1, 0.1, 0.1, 0.1])
    assert 0.4 + 0.2 > 0.6
    assert_ordered_pairs(nucleus_draws(p, 2, seed=33, top_p=0.6), sequential(p))


def test_only_the_size_of_the_nucleus_matters_and_items_outside_it_are_drawn_by_probability_too():
    p = np.array([0.5, 0.3, 0.2])
    assert_mean(np.eye(3)[nucleus_draws(p, 1, seed=35, top_p=0.5)[:, 0]], p)


def test_items_of_no_probability_only_come_uniformly():
    items = nucleus_draws([0.6, 0.0, 0.4, 0.0, 0.0], 3, seed=36, top_p=1.0)
    assert np.all(np.sort(items[:, :2], axis=1) == [0, 2])
    assert_mean(np.eye(5)[items[:, 2]], np.array([0, 1, 0, 1, 1]) / 3)
    items = nucleus_draws([0.6, 0.0, 0.4, 0.0], 2, seed=37, top_p=0.7)  # the second is uniform
    assert np.all(np.isin(items[:, 0], [0, 2]))
    assert_ordered_pairs(items, then_uniform(np.array([0.6, 0.0, 0.4, 0.0])))


@settings(max_examples=100)
@given(st.data())
def test_the_nucleus_gives_as_many_distinct_items_as_asked_for(data):
    weights = np.array(data.draw(st.lists(st.just(0.0) | st.floats(1e-9, 1e9), min_size=1, max_size=20)))
    weights[data.draw(st.integers(0, len(weights) - 1))] = 1.0
    size = data.draw(st.integers(1, len(weights)))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    p = weights / weights.sum()
    items = nucleus(p, size, rng, top_p=data.draw(st.floats(0.0, 1.0)))
    assert items.shape == (size,)
    assert items.dtype == np.int64
    assert len(set(items.tolist())) == size
    assert np.all((items >= 0) & (items < len(p)))


def test_the_nucleus_can_draw_everything():
    assert sorted(nucleus([0.5, 0.5, 0.0], 3, np.random.default_rng(0), top_p=1.0).tolist()) == [0, 1, 2]


@pytest.mark.parametrize(
    ("p", "size", "top_p", "message"),
    [
        ([0.5, 0.6], 1, 0.9, "sum to 1.1,"),
        ([-0.5, 1.5], 1, 0.9, r"index \(0,\) is -0.5"),
        ([np.nan, 1.0], 1, 0.9, r"index \(0,\) is nan"),
        ([0.5, 0.5], 0, 0.9, "size is 0"),
        ([0.5, 0.5], 3, 0.9, "3 items are asked for but there are 2"),
        ([0.5, 0.5], 1, 1.1, "top_p is 1.1"),
        ([0.5, 0.5], 1, -0.1, "top_p is -0.1"),
        ([0.5, 0.5], 1, np.nan, "top_p is nan"),
    ],
)
def test_the_nucleus_names_what_it_cannot_draw(p, size, top_p, message):
    with pytest.raises(ValueError, match=message):
        nucleus(p, size, np.random.default_rng(0), top_p=top_p)
