"""The OSMD loss against closed forms, hand-derived gradients, a slow reference and exact expectations over designs.

A wrong sign, a wrong normaliser, a second division by the inclusion, a propensity from another moment: each fails here.
"""

import itertools
import math

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from curriculum_bandits.bandits import Osmd
from curriculum_bandits.neural.losses import (
    Proximal,
    Unclipped,
    baseline_of,
    divergence_from_uniform,
    log_probabilities,
    ratios,
)
from curriculum_bandits.sampling import gumbel_top_k, inclusion_probabilities, systematic, with_replacement

DRAWS = 20_000
SIGMAS = 4.5  # two-sided chance of 7e-6 per comparison; seeds are fixed


def proximal_loss(scores, probability, drawn, utilities, inclusion, *, clip=0.2, **options):
    """Without inclusion with equal weights, the authors' form."""
    weights = "equal" if inclusion is None else "importance"
    return Proximal(clip, weights)(scores, probability, drawn, utilities, inclusion, **options)


def unclipped_loss(*arguments, step, **options):
    return Unclipped(step)(*arguments, **options)


def tensor(values, dtype=torch.float64):
    return torch.as_tensor(np.array(values), dtype=dtype)


def gradient(loss, scores, *args, **options):
    """Gradient of the sum of losses in the scores, as an array; `scores` may have leading axes."""
    leaf = scores.detach().clone().requires_grad_()
    loss(leaf, *args, **options).sum().backward()
    return leaf.grad.double().numpy()


def instance(seed, n=6, m=5, temperature=1.0):
    """A random p_t, independent draws with repeats from it, and utilities of both signs."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(n, 2.0))
    drawn = rng.choice(n, m, p=p)
    drawn[-1] = drawn[0]
    return p, drawn, rng.normal(size=m), tensor(temperature * np.log(p) + 3.0)


def estimate_of(drawn, utilities, inclusion, n, predicted=None):
    estimate = np.zeros(n) if predicted is None else np.array(predicted)
    for x, u, q in zip(drawn, utilities, inclusion, strict=True):
        estimate[x] += (u - (0.0 if predicted is None else predicted[x])) / q
    return estimate


def gain_gradient(p, utilities, temperature=1.0):
    """Gradient of sum_x p(x) u(x) in the scores of a softmax: p (u - <p, u>) / tau."""
    return p * (utilities - np.sum(p * utilities, axis=-1, keepdims=True)) / temperature


def assert_mean(samples, expected):
    """z-test of the mean over the first axis; what never varies must be exact."""
    error = np.abs(np.mean(samples, axis=0) - expected)
    standard_error = np.std(samples, axis=0, ddof=1) / np.sqrt(len(samples))
    assert np.all(error <= SIGMAS * standard_error + 1e-9), (error, standard_error)


# The unclipped loss and the mirror descent step


def minimiser_of(p, drawn, utilities, inclusion, **options):
    args = [tensor(p), torch.as_tensor(drawn), tensor(utilities), tensor(inclusion)]

    def value_and_gradient(z):
        scores = tensor(z).requires_grad_()
        loss = unclipped_loss(scores, *args, **options)
        loss.backward()
        return loss.item(), scores.grad.numpy()

    found = minimize(value_and_gradient, np.zeros(len(p)), jac=True, method="BFGS", options={"gtol": 1e-9}).x
    return log_probabilities(tensor(found), temperature=options.get("temperature", 1.0)).exp().numpy()


@pytest.mark.parametrize("temperature", [1.0, 0.5])
@pytest.mark.parametrize("doubly_robust", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_the_minimiser_of_the_unclipped_loss_is_the_mirror_descent_step(seed, doubly_robust, temperature):
    p, drawn, utilities, _ = instance(seed)
    rng = np.random.default_rng(100 + seed)
    inclusion, step = rng.uniform(0.2, 1.5, len(drawn)), [0.1, 0.3, 0.5, 1.0][seed]
    predicted = rng.normal(size=len(p)) if doubly_robust else None
    weights = p * np.exp(step * estimate_of(drawn, utilities, inclusion, len(p), predicted))
    options = {"step": step, "temperature": temperature, "predicted": tensor(predicted) if doubly_robust else None}
    found = minimiser_of(p, drawn, utilities, inclusion, **options)
    np.testing.assert_allclose(found, weights / weights.sum(), atol=1e-6)
    # There the gradient is zero; being the minimiser, and not a saddle, is what the search above shows.
    at = tensor(temperature * np.log(weights))
    args = [tensor(p), torch.as_tensor(drawn), tensor(utilities), tensor(inclusion)]
    np.testing.assert_allclose(gradient(unclipped_loss, at, *args, **options), 0.0, atol=1e-12)


@pytest.mark.parametrize("replacement", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_the_minimiser_is_where_the_tabular_bandit_goes_from_the_same_draw(seed, replacement):
    prior = np.array([0.05, 0.2, 0.15, 0.25, 0.1, 0.25])
    bandit = Osmd(6, plays=3, replacement=replacement, prior=prior, floor=0.0, step=0.1, center=False)
    rng = np.random.default_rng(seed)
    p = bandit.probabilities()
    np.testing.assert_allclose(p, prior)
    selection = bandit.select(3, rng)
    arms, inclusion = selection.arms, selection.inclusion
    utilities = rng.normal(size=3)
    bandit.update(selection, utilities)
    assert np.all(bandit.probabilities() < bandit.cap - 1e-3)  # the feasible set does not bind
    assert np.max(np.abs(bandit.probabilities() - p)) > 1e-3
    np.testing.assert_allclose(minimiser_of(p, arms, utilities, inclusion, step=0.1), bandit.probabilities(), atol=1e-6)


@pytest.mark.parametrize("tau", [1.0, 0.7])
def test_the_divergence_is_from_the_new_distribution_to_the_old_in_nats(tau):
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.2, 0.7])
    nothing = [tensor(p), torch.tensor([0]), tensor([0.0]), tensor([1.0])]
    loss = unclipped_loss(tensor(tau * np.log(q)), *nothing, step=0.25, temperature=tau)
    assert loss.item() == pytest.approx(4.0 * sum(b * math.log(b / a) for a, b in zip(p, q, strict=True)))


@pytest.mark.parametrize(("tau", "floor"), [(1.0, 0.0), (0.7, 0.0), (1.0, 0.3)])
def test_the_divergence_from_uniform_is_in_nats(tau, floor):
    s = np.array([0.5, 0.3, 0.2])
    p = (1 - floor) * s + floor / 3
    scores, shape = tensor(tau * np.log(s)), {"temperature": tau, "floor": floor}
    assert divergence_from_uniform(scores, **shape).item() == pytest.approx(math.log(3) + np.sum(p * np.log(p)))
    expected = (1 - floor) / tau * s * (np.log(p) - np.sum(s * np.log(p)))
    np.testing.assert_allclose(gradient(divergence_from_uniform, scores, **shape), expected, atol=1e-12)


def test_with_an_entropy_bonus_rest_is_at_the_exponential_of_utilities_over_it():
    utilities, bonus = np.array([0.3, 0.1, -0.2, 0.0]), 0.2
    rest = np.exp(utilities / bonus)
    rest /= rest.sum()
    at, everything = tensor(np.log(rest)), [tensor(rest), torch.arange(4), tensor(utilities), tensor(np.ones(4))]
    pull = gradient(proximal_loss, at, *everything)  # all drawn, for certain
    assert np.max(np.abs(pull)) > 0.01
    np.testing.assert_allclose(pull + bonus * gradient(divergence_from_uniform, at), 0.0, atol=1e-12)


# Gradients at the old parameters


@pytest.mark.parametrize("temperature", [1.0, 0.4, 3.0])
@pytest.mark.parametrize("recorded", [True, False], ids=["inclusion m p_t", "inclusion None"])
@pytest.mark.parametrize("seed", range(3))
def test_at_the_old_parameters_independent_draws_give_reinforce(seed, recorded, temperature):
    p, drawn, utilities, scores = instance(seed, temperature=temperature)
    m = len(drawn)
    args = [tensor(p), torch.as_tensor(drawn), tensor(utilities), tensor(m * p[drawn])]
    recorded_args = args if recorded else [*args[:3], None]
    found = gradient(proximal_loss, scores, *recorded_args, temperature=temperature)
    by_item = np.bincount(drawn, utilities, minlength=len(p))  # c_x u(x), where u may differ between repeats
    expected = -(by_item - p * utilities.sum()) / (m * temperature)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    unclipped = gradient(unclipped_loss, scores, *args, step=0.3, temperature=temperature)
    np.testing.assert_allclose(unclipped, expected, atol=1e-12)  # the divergence is flat at p_t


@pytest.mark.parametrize("design", ["capped", "uniform warm-up"])
@pytest.mark.parametrize("temperature", [1.0, 0.4])
def test_at_the_old_parameters_other_designs_are_importance_weighted(design, temperature):
    p = np.array([0.7, 0.15, 0.1, 0.04, 0.01])
    inclusion = inclusion_probabilities(p, 3) if design == "capped" else np.full(5, 3 / 5)
    drawn, utilities = np.array([4, 0, 2]), np.array([0.5, -1.0, 2.0])
    weight = p[drawn] / inclusion[drawn]
    assert weight.max() > 2 * weight.min()  # not the 1/m of independent draws
    expected = p * np.sum(weight * utilities)
    expected[drawn] -= weight * utilities
    args = [tensor(temperature * np.log(p)), tensor(p), torch.as_tensor(drawn), tensor(utilities)]
    found = gradient(proximal_loss, *args, tensor(inclusion[drawn]), temperature=temperature)
    np.testing.assert_allclose(found, expected / temperature, atol=1e-12)


def test_a_floor_is_part_of_the_distribution_that_is_differentiated():
    p_soft, alpha = np.array([0.6, 0.3, 0.1]), 0.4
    p = (1 - alpha) * p_soft + alpha / 3
    drawn, utilities, inclusion = np.array([1, 2]), np.array([1.0, -3.0]), np.array([0.8, 0.5])
    estimate = estimate_of(drawn, utilities, inclusion, 3)
    args = [tensor(np.log(p_soft)), tensor(p), torch.as_tensor(drawn), tensor(utilities), tensor(inclusion)]
    expected = -(1 - alpha) * gain_gradient(p_soft, estimate)
    np.testing.assert_allclose(gradient(proximal_loss, *args, floor=alpha), expected, atol=1e-12)
    np.testing.assert_allclose(gradient(unclipped_loss, *args, floor=alpha, step=2.0), expected, atol=1e-12)


@pytest.mark.parametrize("utility", [0.01, -0.01, 3.0, -3.0])
@pytest.mark.parametrize("loss", [proximal_loss, unclipped_loss], ids=["proximal", "unclipped"])
def test_a_gain_raises_its_item_and_a_loss_lowers_it_and_all_others_move_the_other_way(loss, utility):
    # A softmax gradient lowers every other score, and every other p(x) above |p|^2 - p(drawn): here, all.
    p = np.array([0.3, 0.3, 0.25, 0.15])
    extra = {"step": 0.5} if loss is unclipped_loss else {}
    args = [tensor(p), torch.tensor([2, 0]), tensor([utility, 0.0]), tensor(2 * p[[2, 0]])]
    direction = -gradient(loss, tensor(np.log(p)), *args, **extra)
    change = log_probabilities(tensor(np.log(p) + 1e-3 * direction)).exp().numpy() - p
    for moved in (direction, change):
        assert np.sign(moved).tolist() == (np.sign(utility) * np.array([-1, -1, 1, -1])).tolist()


# The clip


@pytest.mark.parametrize("inclusion", [0.4, 1.0, 0.05], ids=["m p_t", "capped at 1", "m/M"])
@pytest.mark.parametrize("clip", [0.2, 0.5])
@pytest.mark.parametrize("utility", [2.0, -2.0])
def test_the_clip_binds_only_where_the_ratio_left_its_interval_on_the_side_of_the_utility(utility, clip, inclusion):
    p = np.array([0.2, 0.5, 0.3])
    edges = [1 - clip - 1e-6, 1 - clip + 1e-6, 1 + clip - 1e-6, 1 + clip + 1e-6]
    for ratio in [0.05, 0.3, 0.75, 0.95, 1.0, 1.05, 1.3, 2.0, 4.5, *edges]:
        now = np.array([0.2 * ratio, 0.625 * (1 - 0.2 * ratio), 0.375 * (1 - 0.2 * ratio)])
        args = [tensor(np.log(now)), tensor(p), torch.tensor([0]), tensor([utility])]
        found = gradient(proximal_loss, *args, tensor([inclusion]), clip=clip)
        binds = ratio > 1 + clip if utility > 0 else ratio < 1 - clip
        rho = ratios(log_probabilities(args[0]), args[1])[:1]
        assert rho.item() == pytest.approx(ratio)
        assert Proximal(clip).binds(rho, args[3]).tolist() == [binds]
        if binds:
            assert np.all(found == 0.0)  # exactly
        else:
            expected = -gain_gradient(now, np.array([utility / inclusion, 0.0, 0.0]))
            np.testing.assert_allclose(found, expected, rtol=1e-9)
            assert abs(found[0]) > 1e-3


@pytest.mark.parametrize("utility", [1.0, -1.0])
@pytest.mark.parametrize("design", ["capped", "uniform warm-up"])
def test_nothing_is_clipped_at_the_old_parameters_however_the_batch_was_drawn(design, utility):
    p = np.array([0.9, 0.06, 0.03, 0.01])
    inclusion = inclusion_probabilities(p, 2) if design == "capped" else np.full(4, 2 / 4)
    assert np.max(np.abs(p / (inclusion / 2) - 1)) > 0.5  # p_phi / q, which must not be clipped, is far from its clip
    for x in range(4):
        args = [tensor(np.log(p)), tensor(p), torch.tensor([x]), tensor([utility])]
        rho = ratios(log_probabilities(args[0]), args[1])
        np.testing.assert_allclose(rho, 1.0, rtol=1e-12)
        assert not Proximal(0.2).binds(rho, torch.full_like(rho, utility)).any()
        estimate = estimate_of([x], [utility], [inclusion[x]], 4)
        found = gradient(proximal_loss, *args, tensor(inclusion[[x]]))
        np.testing.assert_allclose(found, -gain_gradient(p, estimate), rtol=1e-9)
        assert np.all(found != 0)


def test_on_its_very_edge_and_on_a_utility_of_zero_the_clip_does_not_bind():
    assert not Proximal(0.5).binds(tensor([1.5, 0.5, 0.1, 9.0]), tensor([1.0, -1.0, 0.0, 0.0])).any()


def test_a_clipped_draw_leaves_the_rest_of_the_batch_to_move():
    p, now = np.array([0.2, 0.5, 0.3]), np.array([0.3, 0.5, 0.2])
    args = [tensor(np.log(now)), tensor(p), torch.tensor([0, 1]), tensor([1.0, 2.0]), tensor([0.4, 0.9])]
    expected = -gain_gradient(now, np.array([0.0, 2.0 / 0.9, 0.0]))
    np.testing.assert_allclose(gradient(proximal_loss, *args), expected, atol=1e-12)


# Every draw that a design can make: expectations without noise


P = np.array([0.62, 0.2, 0.12, 0.06])
U = np.array([0.3, -1.0, 2.0, 5.0])
B = np.array([1.0, 0.5, -2.0, 4.0])
ANOTHER = np.array([0.2, 0.3, 0.3, 0.2])  # the bandit's distribution at another moment


class Scripted(np.random.Generator):
    """A generator that is told which permutation and which offset to give."""

    def __init__(self, order, point):
        super().__init__(np.random.PCG64(0))
        self.order, self.point = np.array(order), point

    def permuted(self, x, *, axis=None, out=None):
        return np.array(x)[self.order]

    def random(self, size=None):
        return np.full(size, self.point)


def all_independent(p, m):
    for items in itertools.product(range(len(p)), repeat=m):
        yield np.prod(p[list(items)]), np.array(items)


def all_systematic(inclusion):
    """Every permutation, and an offset from within each interval between the points where the outcome changes."""
    orders = list(itertools.permutations(range(len(inclusion))))
    for order in orders:
        steps = np.sort(np.concatenate([[0.0, 1.0], np.cumsum(inclusion[list(order)]) % 1.0]))
        for low, high in itertools.pairwise(steps):
            if high - low > 1e-9:
                yield (high - low) / len(orders), systematic(inclusion, Scripted(order, (low + high) / 2))


def all_subsets(n, m):
    subsets = list(itertools.combinations(range(n), m))
    for items in subsets:
        yield 1 / len(subsets), np.array(items)


DESIGNS = {  # every draw with its chance, and the number to divide by for each item
    "independent": (list(all_independent(P, 2)), 2 * P),
    "systematic, capped": (list(all_systematic(inclusion_probabilities(P, 2))), inclusion_probabilities(P, 2)),
    "systematic, size 1": (list(all_systematic(P)), P),
    "uniform warm-up": (list(all_subsets(4, 2)), np.full(4, 2 / 4)),
}


def expected_gradient(loss, draws, inclusion, *, now=P, probability=P, utilities=U, **options):
    chance = np.array([c for c, _ in draws])
    assert np.sum(chance) == pytest.approx(1.0)
    items = np.array([x for _, x in draws])
    scores = tensor(np.broadcast_to(np.log(now), (len(draws), 4)))
    args = [tensor(np.broadcast_to(probability, scores.shape)), torch.as_tensor(items), tensor(utilities[items])]
    if "predicted" in options:
        options["predicted"] = tensor(np.broadcast_to(options["predicted"], scores.shape))
    divide_by = None if inclusion is None else tensor(inclusion[items])
    return chance @ gradient(loss, scores, *args, divide_by, **options)


TRUTH = -gain_gradient(P, U)


def off_by(found):
    return np.linalg.norm(found - TRUTH) / np.linalg.norm(TRUTH)


@pytest.mark.parametrize("options", [{}, {"predicted": B}], ids=["plain", "doubly robust"])
@pytest.mark.parametrize(("draws", "inclusion"), DESIGNS.values(), ids=DESIGNS)
def test_the_expected_gradient_at_the_old_parameters_is_that_of_the_gain(draws, inclusion, options):
    np.testing.assert_allclose(expected_gradient(proximal_loss, draws, inclusion, **options), TRUTH, atol=1e-12)
    found = expected_gradient(unclipped_loss, draws, inclusion, step=0.7, **options)
    np.testing.assert_allclose(found, TRUTH, atol=1e-12)


@pytest.mark.parametrize("options", [{}, {"predicted": B}], ids=["plain", "doubly robust"])
@pytest.mark.parametrize(("draws", "inclusion"), DESIGNS.values(), ids=DESIGNS)
def test_the_unclipped_gain_is_unbiased_at_any_parameters(draws, inclusion, options):
    now = np.array([0.1, 0.2, 0.3, 0.4])
    expected = -gain_gradient(now, U) + gain_gradient(now, np.log(now / P)) / 0.7
    found = expected_gradient(unclipped_loss, draws, inclusion, now=now, step=0.7, **options)
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize(("draws", "inclusion"), DESIGNS.values(), ids=DESIGNS)
def test_dividing_by_the_inclusion_twice_is_far_off(draws, inclusion):
    for loss, options in ((proximal_loss, {}), (unclipped_loss, {"step": 1.0})):
        assert off_by(expected_gradient(loss, draws, inclusion, utilities=U / inclusion, **options)) > 0.5


@pytest.mark.parametrize(("draws", "inclusion"), DESIGNS.values(), ids=DESIGNS)
def test_propensities_of_another_moment_are_far_off(draws, inclusion):
    if not np.all(inclusion == 0.5):  # uniform inclusion is the same at any moment
        later = np.minimum(inclusion.sum() * ANOTHER, 1.0)
        assert off_by(expected_gradient(proximal_loss, draws, later)) > 0.2
        assert off_by(expected_gradient(unclipped_loss, draws, later, step=1.0)) > 0.2
    assert off_by(expected_gradient(proximal_loss, draws, inclusion, probability=ANOTHER)) > 0.2  # clipped from there
    assert off_by(expected_gradient(unclipped_loss, draws, inclusion, probability=ANOTHER, step=1.0)) > 0.2


@pytest.mark.parametrize("name", DESIGNS)
def test_equal_weights_are_right_for_independent_draws_alone(name):
    found = expected_gradient(proximal_loss, DESIGNS[name][0], None)
    proportional = name in ("independent", "systematic, size 1")
    assert off_by(found) < 1e-9 if proportional else off_by(found) > 0.1


# Each sampler over many draws


def systematic_draws(rng):
    inclusion = inclusion_probabilities(P, 2)
    items = systematic(np.broadcast_to(inclusion, (DRAWS, 4)), rng)
    return items, inclusion[items]


SAMPLERS = {
    "systematic": systematic_draws,
    "gumbel top-k": lambda rng: gumbel_top_k(np.broadcast_to(np.log(P), (DRAWS, 4)), 2, rng),
    "independent": lambda rng: with_replacement(np.broadcast_to(P, (DRAWS, 4)), 2, rng),
}


@pytest.mark.parametrize("predicted", [None, B, -100 * U], ids=["plain", "predicted", "predicted badly"])
@pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS)
def test_with_every_sampler_the_gradient_is_unbiased(sampler, predicted):
    items, inclusion = sampler(np.random.default_rng(20))
    shape = (DRAWS, 4)
    args = [tensor(np.broadcast_to(P, shape)), torch.as_tensor(items), tensor(U[items]), tensor(inclusion)]
    options = {} if predicted is None else {"predicted": tensor(np.broadcast_to(predicted, shape))}
    scores = tensor(np.broadcast_to(np.log(P), shape))
    assert_mean(gradient(proximal_loss, scores, *args, **options), TRUTH)
    now = np.array([0.4, 0.3, 0.2, 0.1])
    scores = tensor(np.broadcast_to(np.log(now), shape))
    gain = -unclipped_loss(scores, *args, step=1e12, **options).numpy()  # a huge step leaves the gain alone
    assert_mean(gain, np.sum(now * U))


@pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS)
def test_with_perfect_predictions_the_draw_does_not_matter(sampler):
    items, inclusion = sampler(np.random.default_rng(21))
    shape, now = (DRAWS, 4), np.array([0.4, 0.3, 0.2, 0.1])
    args = [tensor(np.broadcast_to(P, shape)), torch.as_tensor(items), tensor(U[items]), tensor(inclusion)]
    scores = tensor(np.broadcast_to(np.log(now), shape))
    loss = unclipped_loss(scores, *args, step=0.5, predicted=tensor(np.broadcast_to(U, shape)))
    np.testing.assert_allclose(loss, np.sum(now * np.log(now / P)) / 0.5 - np.sum(now * U), rtol=1e-12)


# A slow reference, any leading axes, any dtype


def reference(kind, z, p, drawn, u, q, b, *, temperature, floor, clip, step):
    """Both losses term by term, from their formulas, in plain numbers."""
    weights = [math.exp((x - max(z)) / temperature) for x in z]
    now = [(1 - floor) * w / sum(weights) + floor / len(z) for w in weights]
    terms = []  # weight, index, utility
    for j, x in enumerate(drawn):
        weight = 1 / len(drawn) / p[x] if q is None else 1 / q[j]
        terms.append((weight, x, u[j] - (0.0 if b is None else b[x])))
    terms += [] if b is None else [(1.0, x, b[x]) for x in range(len(z))]
    if kind == "unclipped":
        kl = sum(a * math.log(a / c) for a, c in zip(now, p, strict=True))
        return kl / step - sum(weight * now[x] * v for weight, x, v in terms)
    total = 0.0
    for weight, x, v in terms:
        rho = now[x] / p[x]
        total += weight * p[x] * min(rho * v, min(max(rho, 1 - clip), 1 + clip) * v)
    return -total


@st.composite
def problems(draw):
    """Leading axes, sizes, and all arguments as float64 arrays: scores, p_t, drawn, utilities, inclusion, predicted."""
    leading = tuple(draw(st.lists(st.integers(1, 3), max_size=2)))
    n, m = draw(st.integers(1, 6)), draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    p = rng.dirichlet(np.full(n, 1.5), size=leading)
    p = (p + 0.01) / np.sum(p + 0.01, axis=-1, keepdims=True)
    return (
        np.log(p) + rng.normal(scale=draw(st.sampled_from([0.0, 0.2, 2.0])), size=(*leading, n)),
        p,
        rng.integers(n, size=(*leading, m)),
        rng.normal(size=(*leading, m)),
        rng.uniform(0.05, 2.0, size=(*leading, m)),
        rng.normal(size=(*leading, n)) if draw(st.booleans()) else None,
    )


def both_losses(z, p, drawn, u, q, b, *, temperature, floor, clip, step, dtype=torch.float64):
    args = [tensor(z, dtype), tensor(p, dtype), torch.as_tensor(drawn), tensor(u, dtype), tensor(q, dtype)]
    options = {"temperature": temperature, "floor": floor, "predicted": None if b is None else tensor(b, dtype)}
    return {
        "unclipped": (unclipped_loss, args, {"step": step, **options}),
        "proximal": (proximal_loss, args, {"clip": clip, **options}),
    }


@settings(max_examples=80)
@given(
    problem=problems(),
    temperature=st.sampled_from([0.5, 1.0, 2.0]),
    floor=st.sampled_from([0.0, 0.1, 0.6]),
    clip=st.sampled_from([0.1, 0.2, 0.5]),
    step=st.sampled_from([0.1, 1.0, 7.0]),
)
def test_both_losses_equal_a_slow_reference_run_by_run(problem, temperature, floor, clip, step):
    z, p, drawn, u, q, b = problem
    options = {"temperature": temperature, "floor": floor, "clip": clip, "step": step}
    for kind, (loss, args, keywords) in both_losses(*problem, **options).items():
        together = loss(*args, **keywords)
        assert together.shape == z.shape[:-1]
        slopes = gradient(loss, *args, **keywords)
        for run in np.ndindex(z.shape[:-1]):
            one = [x[run] for x in (z, p, drawn, u, q)] + [None if b is None else b[run]]
            assert together[run].item() == pytest.approx(reference(kind, *one, **options), rel=1e-9, abs=1e-9)
            alone = gradient(loss, *(x[run] for x in args), **both_losses(*one, **options)[kind][2])
            np.testing.assert_allclose(slopes[run], alone, rtol=1e-12, atol=1e-12)


def test_equal_weights_equal_the_slow_reference():
    p, drawn, u, _ = instance(3)
    z = np.log(p) + np.random.default_rng(0).normal(scale=0.4, size=6)
    options = {"temperature": 1.0, "floor": 0.0, "clip": 0.2, "step": 1.0}
    loss = proximal_loss(tensor(z), tensor(p), torch.as_tensor(drawn), tensor(u), None)
    assert loss.item() == pytest.approx(reference("proximal", z, p, drawn, u, None, None, **options))


@pytest.mark.parametrize("predict", [False, True])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_any_dtype_is_summed_in_float32_or_better_and_autocast_changes_nothing(dtype, predict):
    rng = np.random.default_rng(5)
    n, m = 512, 32
    p = rng.dirichlet(np.full(n, 0.5)) * 0.9 + 0.1 / n
    z = np.log(p) + rng.normal(scale=0.3, size=n)
    raw = [z, p, rng.integers(n, size=m), rng.normal(size=m), rng.uniform(0.01, 1.0, size=m)]
    raw.append(rng.normal(size=n) if predict else None)
    rounded = [None if x is None else x if x.dtype == int else tensor(x, dtype).double().numpy() for x in raw]
    options = {"temperature": 1.0, "floor": 0.05, "clip": 0.2, "step": 0.5}
    for kind, (loss, args, keywords) in both_losses(*rounded, **options, dtype=dtype).items():
        result = loss(*args, **keywords)
        assert result.dtype == (torch.float64 if dtype is torch.float64 else torch.float32)
        accurate = 1e-12 if dtype is torch.float64 else 2e-5
        assert result.item() == pytest.approx(reference(kind, *rounded, **options), rel=accurate)
        slopes = gradient(loss, *args, **keywords)
        assert np.all(np.isfinite(slopes))
        with torch.autocast("cpu", torch.bfloat16):
            assert loss(*args, **keywords).equal(result)
            assert np.array_equal(gradient(loss, *args, **keywords), slopes)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_what_was_recorded_in_float64_is_not_rounded_to_the_dtype_of_the_scores_first(dtype):
    scores = tensor([1.0, -138.0, 2.0], dtype)
    log_p = log_probabilities(scores)
    p = np.array([1 / 3, 1e-60, 2 / 3])  # 1e-60 is zero in float32
    np.testing.assert_allclose(ratios(log_p, tensor(p)), np.exp(log_p.double().numpy()) / p, rtol=1e-4)


@pytest.mark.parametrize("shift", [0.05, 2.0], ids=["inside the clip", "outside"])
@pytest.mark.parametrize("seed", range(2))
def test_gradients_agree_with_finite_differences(seed, shift):
    p, drawn, u, _ = instance(seed)
    rng = np.random.default_rng(seed)
    z = tensor(np.log(p) + shift * rng.choice([-1.0, 1.0], len(p))).requires_grad_()
    q, b = rng.uniform(0.2, 1.5, len(drawn)), rng.normal(size=len(p))
    keywords = {"temperature": 0.8, "floor": 0.05, "clip": 0.3, "step": 0.4}
    for loss, args, options in both_losses(z.detach().numpy(), p, drawn, u, q, b, **keywords).values():
        assert torch.autograd.gradcheck(lambda s, f=loss, a=args, k=options: f(s, *a[1:], **k), (z,))


# Corners


def test_one_candidate_has_nothing_to_learn():
    args = [tensor([3.0]), tensor([1.0]), torch.tensor([0, 0]), tensor([1.0, -2.0]), tensor([2.0, 2.0])]
    for loss, options in ((proximal_loss, {}), (unclipped_loss, {"step": 1.0})):
        for floor in (0.0, 0.1):
            assert loss(*args, floor=floor, **options).item() == pytest.approx(0.5)
            np.testing.assert_allclose(gradient(loss, *args, floor=floor, **options), 0.0, atol=1e-15)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_the_gradient_scales_with_utilities_of_any_size(scale, dtype):
    p, drawn, utilities, scores = instance(8)
    args = [scores.to(dtype), tensor(p), torch.as_tensor(drawn)]
    once = gradient(proximal_loss, *args, tensor(utilities), tensor(5 * p[drawn]))
    scaled = gradient(proximal_loss, *args, tensor(scale * utilities), tensor(5 * p[drawn]))
    assert np.max(np.abs(once)) > 0.01
    np.testing.assert_allclose(scaled / scale, once, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("utility", [1.0, -1.0])
def test_a_probability_of_1e_300_keeps_its_ratio(utility):
    log_p = np.array([math.log(1e-300), math.log(0.25), math.log(0.75)])
    args = [tensor(log_p), tensor(np.exp(log_p)), torch.tensor([0, 1]), tensor([utility, 0.0]), tensor([1 / 3, 1 / 3])]
    assert ratios(log_probabilities(args[0]), args[1])[0].item() == pytest.approx(1.0, rel=1e-10)
    for loss, options in ((proximal_loss, {}), (unclipped_loss, {"step": 1.0})):
        found = gradient(loss, *args, **options)
        assert np.all(np.isfinite(found))
    assert gradient(proximal_loss, *args)[0] == pytest.approx(-3e-300 * utility, rel=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("utility", [1.0, -1.0])
@pytest.mark.parametrize("was", [0.0, 1e-300, 1e-60])
def test_an_item_that_rose_from_nothing_gives_finite_gradients(was, utility, dtype):
    """Its ratio exceeds float32, as when a warm-up draws uniformly what the curator had all but ruled out."""
    p = tensor([was, 0.25, 0.75])
    args = [tensor([0.0, 0.0, 0.0], dtype), p, torch.tensor([0, 1]), tensor([utility, 1.0]), tensor([1 / 3, 1 / 3])]
    for options in ({}, {"predicted": tensor([1.0, -1.0, 1.0])}, {"predicted": tensor([-2.0, 0.0, 0.0])}):
        assert math.isfinite(proximal_loss(*args, **options).item())
        assert np.all(np.isfinite(gradient(proximal_loss, *args, **options)))
        assert np.all(np.isfinite(gradient(unclipped_loss, *args, step=1.0, **options)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("floor", [0.01, 0.5])
@pytest.mark.parametrize("scores", [[1e4, -1e4, 0.0], [0.0, 0.0, 0.0], [-1e4, -1e4, 1e4], [1.0, 2.0, 3.0]])
def test_a_floor_bounds_every_probability_from_below(scores, floor, dtype):
    p = log_probabilities(tensor(scores, dtype), floor=floor).exp()
    assert p.sum().item() == pytest.approx(1.0, rel=1e-6)
    assert torch.all(p >= floor / 3 * (1 - 1e-6))
    soft = np.exp(np.array(scores) - max(scores))
    np.testing.assert_allclose(p, (1 - floor) * soft / soft.sum() + floor / 3, rtol=1e-5)
    args = [tensor(scores, dtype), tensor([0.2, 0.3, 0.5]), torch.tensor([0, 1, 2]), tensor([1.0, -1.0, 2.0])]
    for loss, options in ((proximal_loss, {}), (unclipped_loss, {"step": 0.1})):
        assert np.all(np.isfinite(gradient(loss, *args, tensor([0.6, 0.9, 1.0]), floor=floor, **options)))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("floor", [0.0, 0.1])
def test_scores_of_ten_thousand_stay_finite(floor, dtype):
    args = [tensor([1e4, -1e4, 0.0], dtype), tensor([0.2, 0.3, 0.5]), torch.tensor([0, 1]), tensor([1.0, -1.0])]
    for loss, options in ((proximal_loss, {}), (unclipped_loss, {"step": 0.1})):
        assert math.isfinite(loss(*args, tensor([0.4, 0.6]), floor=floor, **options).item())
        assert np.all(np.isfinite(gradient(loss, *args, tensor([0.4, 0.6]), floor=floor, **options)))


def test_predictions_without_inclusion_are_refused():
    args = [tensor([0.0, 0.0]), tensor([0.5, 0.5]), torch.tensor([0]), tensor([1.0])]
    with pytest.raises(ValueError, match="need the inclusion"):
        proximal_loss(*args, None, predicted=tensor([0.0, 0.0]))


def test_equal_weights_alone_need_no_inclusion():
    args = [tensor([0.0, 0.0]), tensor([0.5, 0.5]), torch.tensor([0]), tensor([1.0])]
    for loss in (Proximal(), Unclipped()):
        assert loss.needs_inclusion
        with pytest.raises(ValueError, match="no inclusion to divide by"):
            loss(*args, None)
    equal = Proximal(weights="equal")
    assert not equal.needs_inclusion
    assert equal(*args, tensor([0.1])) == equal(*args, None)


@pytest.mark.parametrize("value", [0.0, -1.0, math.inf, math.nan])
def test_a_setting_out_of_range_is_refused_by_its_name(value):
    with pytest.raises(ValueError, match=rf"^clip is {value!r}; it must be a finite number above 0"):
        Proximal(clip=value)
    with pytest.raises(ValueError, match=rf"^step is {value!r}; it must be a finite number above 0"):
        Unclipped(step=value)
    with pytest.raises(ValueError, match="weights is 'none'; it must be 'importance' or 'equal'"):
        Proximal(weights="none")


# Baselines


def test_baselines_have_their_closed_forms():
    utilities = tensor([[1.0, 2.0, 6.0], [0.0, -3.0, 0.0]])
    assert baseline_of(utilities, "none").tolist() == [[0.0] * 3] * 2
    assert baseline_of(utilities, "mean").tolist() == [[3.0] * 3, [-1.0] * 3]
    assert baseline_of(utilities, "leave_one_out").tolist() == [[4.0, 3.5, 1.5], [-1.5, 0.0, -1.5]]
    assert [baseline_of(tensor([5.0]), kind).item() for kind in ("mean", "leave_one_out")] == [5.0, 0.0]


def test_leaving_one_out_does_not_bias_independent_draws():
    """Over all independent draws the expected gradient stays that of the gain."""
    draws = DESIGNS["independent"][0]
    items = np.array([x for _, x in draws])
    utilities = tensor(U[items])
    scores = tensor(np.broadcast_to(np.log(P), (len(draws), 4)))
    credit = utilities - baseline_of(utilities, "leave_one_out")
    found = gradient(proximal_loss, scores, scores.exp(), torch.as_tensor(items), credit, tensor(2 * P[items]))
    np.testing.assert_allclose(np.array([c for c, _ in draws]) @ found, TRUTH, atol=1e-12)
