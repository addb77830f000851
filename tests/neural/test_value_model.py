"""PCL's value model: what is kept of the candidates, what it learns, and that it resumes in every bit."""

import math

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from curriculum_bandits.bandits.contract import Selection
from curriculum_bandits.neural import FeatureRows, MlpScorer
from curriculum_bandits.neural.features import matrix_features
from curriculum_bandits.neural.scorers import Scorer
from curriculum_bandits.neural.value_model import ValueModelCurator

N = 60
RATES = np.linspace(0.0, 1.0, N)


class Tabled(Scorer):
    """Says of each problem what a table says, scaled by a weight that can be trained."""

    def __init__(self, outputs):
        super().__init__()
        self.table = torch.tensor(outputs, dtype=torch.float32)
        self.scale = torch.nn.Parameter(torch.ones(1))

    def forward(self, inputs):
        return (self.scale * self.table[inputs[:, 0].long()])[:, None]


class Indices:
    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def __call__(self, items, device):
        return torch.from_numpy(np.asarray(items, dtype=np.float32))[:, None]


def tabled(values, **settings):
    values = np.asarray(values)
    return ValueModelCurator(Indices(len(values)), Tabled(np.log(values / (1 - values))), **settings)


def learner(seed=0, **settings):
    features = np.column_stack([RATES, np.sin(9 * np.arange(N))])
    return ValueModelCurator(FeatureRows(matrix_features(features)), MlpScorer(2, seed=seed), **settings)


def weights_of(curator):
    return torch.cat([weight.detach().flatten() for weight in curator.scorer.parameters()])


def test_the_nearest_to_the_target_are_kept():
    values = np.array([0.05, 0.45, 0.9, 0.6, 0.3, 0.99])
    for target, kept in ((0.5, {1, 3, 4}), (0.9, {2, 3, 5}), (0.0, {0, 1, 4})):
        drawn = tabled(values, target=target).select(3, np.random.default_rng(0))
        assert set(drawn.arms) == kept
        np.testing.assert_allclose(drawn.probability, 1 / 3)
        assert drawn.inclusion is None
        assert drawn.candidate_probability is None


def test_predictions_are_success_rates():
    values = np.array([0.05, 0.45, 0.9])
    np.testing.assert_allclose(tabled(values, chunk=2).values_of(np.array([2, 0, 1])), values[[2, 0, 1]], atol=1e-6)


def test_candidates_are_a_uniform_sample_of_kappa_times_the_batch():
    curator, rng = tabled(np.full(40, 0.3), candidates=3), np.random.default_rng(0)
    counts = np.zeros(40)
    for _ in range(1000):
        drawn = curator.select(4, rng)
        assert len(set(drawn.candidates)) == 12
        assert set(drawn.arms) <= set(drawn.candidates)
        np.testing.assert_allclose(drawn.candidate_inclusion, 12 / 40)
        counts[drawn.arms] += 1
    # All predictions are alike, so ties broken at random draw everything alike.
    assert np.all(np.abs(counts / 1000 - 0.1) < 4.5 * math.sqrt(0.1 * 0.9 / 1000))
    assert len(curator.select(30, rng).candidates) == 40


def test_given_candidates_are_what_is_chosen_among():
    drawn = tabled([0.5, 0.2, 0.9, 0.4]).select(1, np.random.default_rng(0), np.array([1, 3, 2]))
    assert drawn.arms.tolist() == [3]
    assert drawn.candidates.tolist() == [1, 3, 2]
    assert drawn.candidate_inclusion is None
    with pytest.raises(ValueError, match="2 problems are asked for out of 1 candidates"):
        tabled([0.5, 0.2]).select(2, np.random.default_rng(0), np.array([1]))
    with pytest.raises(ValueError, match="0 problems are asked for"):
        tabled([0.5, 0.2]).select(0, np.random.default_rng(0))


def test_one_step_follows_the_gradient_of_the_squared_error():
    values, rates = np.array([0.3, 0.8]), np.array([0.5, 0.1])
    curator = tabled(values, gradient_steps=1, learning_rate=1e-2)
    drawn = curator.select(2, np.random.default_rng(0))
    curator.update(drawn, rates[drawn.arms])
    assert curator.diagnostics()["prediction_error"] == pytest.approx(np.mean((values - rates) ** 2), abs=1e-6)
    logit = np.log(values / (1 - values))
    slope = np.mean(2 * (values - rates) * values * (1 - values) * logit)
    assert float(curator.scorer.scale.detach()) == pytest.approx(1.0 - 1e-2 * np.sign(slope), abs=1e-6)


def test_chunks_give_the_same_gradients():
    whole, parts = learner(), learner(chunk=3)
    for curator in (whole, parts):
        drawn = curator.select(10, np.random.default_rng(5))
        curator.update(drawn, RATES[drawn.arms])
    np.testing.assert_allclose(weights_of(whole), weights_of(parts), atol=1e-6)


def test_values_converge_and_the_problems_of_half_success_are_drawn():
    curator, rng = learner(learning_rate=1e-2), np.random.default_rng(0)
    for _ in range(150):
        drawn = curator.select(8, rng)
        curator.update(drawn, RATES[drawn.arms])
    before = np.abs(RATES - 0.5)[curator.select(8, rng).arms]
    assert before.max() < 0.25  # of 32 candidates of 60, 8 nearest to one half
    nearest = curator.select(8, rng, np.arange(N)).arms
    assert np.abs(RATES[nearest] - 0.5).max() < 0.12
    assert np.mean(np.abs(curator.values_of(nearest) - RATES[nearest])) < 0.05


def test_what_is_learned_follows_the_learner():
    curator, rng = learner(learning_rate=1e-2), np.random.default_rng(0)
    for rates in (RATES, np.clip(RATES + 0.3, 0, 1)):
        for _ in range(150):
            drawn = curator.select(8, rng)
            curator.update(drawn, rates[drawn.arms])
        nearest = curator.select(8, rng, np.arange(N)).arms
        assert np.abs(rates[nearest] - 0.5).max() < 0.15


def test_a_rate_outside_0_and_1_is_refused_without_a_trace():
    curator = learner()
    drawn = curator.select(3, np.random.default_rng(0))
    before = weights_of(curator)
    for bad in (-0.5, 1.5):
        with pytest.raises(ValueError, match=f"arm {drawn.arms[1]} is {bad}; a success rate is between 0 and 1"):
            curator.update(drawn, np.array([0.5, bad, 0.5]))
    with pytest.raises(ValueError, match=f"arm {drawn.arms[1]} is nan"):
        curator.update(drawn, np.array([0.5, math.nan, 0.5]))
    assert torch.equal(before, weights_of(curator))


def test_a_gradient_that_is_not_finite_is_skipped_and_a_prediction_that_is_not_refused():
    curator = tabled([0.3, 0.6])
    curator.scorer.table[0] = math.nan
    drawn = Selection(np.array([0]), np.ones(1), None, np.array([0, 1]), None, None)
    curator.update(drawn, np.array([1.0]))
    assert float(curator.scorer.scale.detach()) == 1.0
    assert curator.diagnostics()["skipped_steps"] == 3.0
    with pytest.raises(FloatingPointError, match="predicted success of problem 0 is not a number"):
        curator.select(1, np.random.default_rng(0))


def test_it_resumes_in_every_bit_and_uses_no_global_randomness():
    state = torch.random.get_rng_state()
    curator, twin, rng = learner(0), learner(1), np.random.default_rng(0)

    def work(which, rng, rounds):
        for _ in range(rounds):
            drawn = which.select(5, rng)
            which.update(drawn, RATES[drawn.arms])

    work(curator, rng, 6)
    twin.load_state_dict(curator.state_dict())
    for which in (curator, twin):
        work(which, np.random.default_rng(7), 6)
    assert torch.equal(weights_of(curator), weights_of(twin))
    np.testing.assert_equal(curator.state_dict(), twin.state_dict())
    assert torch.equal(state, torch.random.get_rng_state())


def test_a_state_of_another_bank_or_with_a_broken_number_is_refused():
    curator = learner()
    state = curator.state_dict()
    for name, wrong, message in (("n_arms", 7, "is 7, and 60 here"), ("error", -1.0, "is -1.0; at least 0")):
        with pytest.raises(ValueError, match=f"saved {name} of value_model_curator {message}"):
            curator.load_state_dict({**state, name: wrong})


def test_bad_settings_are_refused():
    for name, value in {
        "candidates": 0, "gradient_steps": 0, "chunk": 0, "learning_rate": 0.0, "max_gradient_norm": math.inf,
        "weight_decay": -1.0, "target": 1.5,
    }.items():  # fmt: skip
        with pytest.raises(ValueError, match=f"{name} is {value}"):
            learner(**{name: value})
