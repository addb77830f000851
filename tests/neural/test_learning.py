"""Gradient steps by hand: schedule, limits, gradients that are not finite, and a baseline that was there before."""

import copy
import logging
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from curriculum_bandits.neural import PAPER, LinearScorer, MlpScorer, Proximal, Unclipped
from curriculum_bandits.neural.learning import Answer, Learning
from curriculum_bandits.neural.losses import divergence_from_uniform
from curriculum_bandits.neural.processes import Processes
from curriculum_bandits.neural.samplers import exact

M = 6
PLAIN = replace(PAPER, sampler=exact, loss=Proximal(), weight_decay=0.0, learning_rate=0.01, max_gradient_norm=None)
FEATURES = torch.from_numpy(np.random.default_rng(0).normal(size=(M, 3)).astype(np.float32))
ANSWER = Answer(np.full(M, 1 / M), np.array([4, 1]), np.array([2.0, -1.0]), np.array([0.5, 0.25]))


def learning(settings=PLAIN, heads=1, scorer=None):
    scorer = LinearScorer(3, heads=heads) if scorer is None else scorer
    return scorer, Learning(scorer, settings, Processes())


def test_the_first_step_is_adams_on_the_gradient_of_the_loss():
    scorer, learner = learning()
    twin = LinearScorer(3)
    loss = Proximal()(twin(FEATURES)[:, 0], *map(torch.as_tensor, (ANSWER.probability, ANSWER.places)),
                      torch.tensor([2.0, -1.0]), torch.tensor([0.5, 0.25]))  # fmt: skip
    loss.backward()
    says = learner.learn([FEATURES], ANSWER)
    assert says["loss"] == pytest.approx(loss.item(), rel=1e-6)
    assert says["gradient_norm"] == pytest.approx(float(twin.weight.grad.norm()), rel=1e-5)
    torch.testing.assert_close(scorer.weight.detach(), -0.01 * twin.weight.grad.sign(), rtol=1e-4, atol=0)
    assert learner.updates == 1


def test_the_unclipped_loss_is_that_of_losses():
    _, learner = learning(replace(PLAIN, loss=Unclipped(0.7)))
    loss = Unclipped(0.7)(torch.zeros(M), torch.full((M,), 1 / M), torch.tensor([4, 1]), torch.tensor([2.0, -1.0]),
                          torch.tensor([0.5, 0.25]))  # fmt: skip
    says = learner.learn([FEATURES], ANSWER)
    assert says["loss"] == pytest.approx(loss.item(), rel=1e-6)
    assert "clip_fraction" not in says


@pytest.mark.parametrize("own", [Proximal(), Unclipped(0.6)], ids=str)
def test_entropy_bonus_and_prediction_error_are_added_with_their_weights(own):
    """The exact gradient tells signs and weights apart, which Adam's first step would not."""
    shape = {"temperature": 0.7, "floor": 0.1}
    settings = replace(PLAIN, loss=own, baseline="predicted", entropy_bonus=0.3, prediction_weight=0.8, **shape)
    scorer = LinearScorer(3, heads=2)
    with torch.no_grad():
        scorer.weight.normal_(generator=torch.Generator().manual_seed(0))
    twin = copy.deepcopy(scorer)
    outputs, places = twin(FEATURES), torch.as_tensor(ANSWER.places)
    utilities, inclusion = torch.tensor([2.0, -1.0]), torch.tensor([0.5, 0.25])
    arguments = outputs[:, 0], torch.full((M,), 1 / M), places, utilities, inclusion
    loss = own(*arguments, predicted=outputs.detach()[:, 1], **shape)
    loss = loss + 0.3 * divergence_from_uniform(outputs[:, 0], **shape)
    loss = loss + 0.8 * ((outputs[places, 1] - utilities) ** 2).mean()
    loss.backward()
    _, learner = learning(settings, scorer=scorer)
    found = {}
    learner._descent.optimizer.register_step_pre_hook(
        lambda *_: found.update({name: weight.grad.clone() for name, weight in scorer.named_parameters()})
    )
    learner.learn([FEATURES], ANSWER)
    for name, weight in twin.named_parameters():
        torch.testing.assert_close(found[name], weight.grad)
    assert twin.weight.grad.abs().min() > 1e-3


def test_a_clipped_ratio_stops_the_steps_of_one_answer():
    gain = Answer(ANSWER.probability, np.array([4]), np.array([1.0]), np.array([0.5]))

    def ratio(clip):
        _, learner = learning(replace(PLAIN, gradient_steps=60, learning_rate=0.02, loss=Proximal(clip)))
        says = learner.learn([FEATURES], gain)
        return says["clip_fraction"], float(torch.softmax(learner.scores([FEATURES], M), 0)[4]) * M

    bound, clipped = ratio(0.2)
    free, unclipped = ratio(1e6)
    assert (bound, free) == (1.0, 0.0)
    assert 1.2 < clipped < 2.0 < unclipped  # beyond the clip by Adam's momentum alone


def test_what_clips_is_told_by_what_a_problem_paid_beyond_its_prediction():
    scorer = LinearScorer(3, heads=2)
    with torch.no_grad():
        scorer.weight[0] = FEATURES[4]
        scorer.bias[1] = 5.0
    _, learner = learning(replace(PLAIN, baseline="predicted"), scorer=scorer)
    assert float(torch.softmax(learner.scores([FEATURES], M), 0)[4]) * M > 1.2  # it would clip for a gain
    paid_less = Answer(ANSWER.probability, np.array([4]), np.array([2.0]), np.array([0.5]))
    assert learner.learn([FEATURES], paid_less)["clip_fraction"] == 0.0
    paid_more = Answer(ANSWER.probability, np.array([4]), np.array([9.0]), np.array([0.5]))
    assert learner.learn([FEATURES], paid_more)["clip_fraction"] == 1.0


def test_the_learning_rate_follows_the_schedule_also_after_a_resume():
    settings = replace(PLAIN, schedule=lambda k: 1.0 / (1 + k))
    _, learner = learning(settings)
    rates = [learner.learn([FEATURES], ANSWER)["learning_rate"] for _ in range(3)]
    np.testing.assert_allclose(rates, [0.01, 0.005, 0.01 / 3])
    _, twin = learning(settings)
    twin.load_state_dict(learner.state_dict())
    assert twin.learn([FEATURES], ANSWER)["learning_rate"] == pytest.approx(0.0025)


def test_a_large_gradient_is_scaled_down():
    def step(limit):
        settings = replace(PLAIN, max_gradient_norm=limit)
        scorer, learner = learning(settings)
        norms = []
        learner._descent.optimizer.register_step_pre_hook(
            lambda *_: norms.append(math.hypot(*(float(p.grad.norm()) for p in scorer.parameters())))
        )
        says = learner.learn([FEATURES], replace(ANSWER, utilities=np.array([2e4, -1e4])))
        assert all(p.grad is None for p in scorer.parameters())  # their memory is the trainer's until the next answer
        return says["gradient_norm"], norms[-1]

    norm, left = step(0.5)
    assert norm > 1e3
    assert left == pytest.approx(0.5, rel=1e-3)
    assert step(None) == pytest.approx((norm, norm), rel=1e-4)


def test_a_gradient_that_is_not_finite_is_skipped_counted_and_logged(caplog):
    scorer, learner = learning()
    learner.learn([FEATURES], ANSWER)
    before = copy.deepcopy(learner.state_dict())
    broken = FEATURES.clone()
    broken[4] = math.inf
    with caplog.at_level(logging.WARNING):
        says = learner.learn([broken], ANSWER)
    assert "not finite" in caplog.text
    assert says["skipped_steps"] == 1.0
    after = learner.state_dict()
    for name in ("network", "optimizer"):
        np.testing.assert_equal(after["descent"][name], before["descent"][name])
    assert torch.isfinite(scorer.weight).all()
    assert learner.learn([FEATURES], ANSWER)["skipped_steps"] == 1.0


def test_the_second_head_learns_the_utilities_and_its_error_falls():
    settings = replace(PLAIN, baseline="predicted", learning_rate=0.05)
    _, learner = learning(settings, scorer=MlpScorer(3, heads=2))
    errors = [learner.learn([FEATURES], ANSWER)["prediction_error"] for _ in range(60)]
    assert errors[0] == pytest.approx(2.5)  # of predictions that start at zero: (2² + 1²) / 2
    assert errors[-1] < 0.05 * errors[0]


class Watched(Proximal):
    """Keeps the predictions that it was called with."""

    used = []  # noqa: RUF012 - of one test

    def __call__(self, *arguments, predicted, **options):
        self.used.append(predicted)
        return super().__call__(*arguments, predicted=predicted, **options)


def test_predictions_are_those_from_before_the_answer_in_every_step():
    used = Watched.used
    settings = replace(PLAIN, loss=Watched(), baseline="predicted", learning_rate=0.1, gradient_steps=3)
    scorer, learner = learning(settings, scorer=MlpScorer(3, heads=2))
    learner.learn([FEATURES], ANSWER)
    now = scorer(FEATURES).detach()[:, 1]
    learner.learn([FEATURES], ANSWER)
    assert len(used) == 6
    assert now.abs().min() > 0.0
    for predicted in used[:3]:
        assert torch.equal(predicted, torch.zeros(M))
    for predicted in used[3:]:
        assert torch.equal(predicted, now)


@pytest.mark.parametrize("baseline", ["none", "mean", "leave_one_out"])
def test_a_baseline_is_taken_off_before_the_loss(baseline):
    credit = {"none": [2.0, -1.0], "mean": [1.5, -1.5], "leave_one_out": [3.0, -3.0]}[baseline]
    scorer, learner = learning(replace(PLAIN, baseline=baseline))
    twin, plain = learning()
    says = learner.learn([FEATURES], ANSWER)
    assert says["loss"] == plain.learn([FEATURES], replace(ANSWER, utilities=np.array(credit)))["loss"]
    assert torch.equal(scorer.weight, twin.weight)


def test_equal_weights_ignore_the_inclusion():
    one, other = (learning(replace(PLAIN, loss=Proximal(weights="equal")))[1] for _ in range(2))
    unknown = replace(ANSWER, inclusion=None)
    assert one.learn([FEATURES], ANSWER)["loss"] == other.learn([FEATURES], unknown)["loss"]
    assert learning()[1].learn([FEATURES], ANSWER)["loss"] != one.learn([FEATURES], ANSWER)["loss"]


def test_what_is_frozen_stays():
    scorer = MlpScorer(3)
    scorer.weights[0].requires_grad_(False)
    frozen, free = scorer.weights[0].clone(), scorer.weights[-1].clone()
    _, learner = learning(scorer=scorer)
    learner.learn([FEATURES], ANSWER)
    assert torch.equal(scorer.weights[0], frozen)
    assert not torch.equal(scorer.weights[-1], free)
    assert "weights.0" not in learner.state_dict()["descent"]["network"]
