"""The network against numpy, the ensemble against its members one by one, and whether it can learn a bump."""

import numpy as np
import pytest
import torch

from curriculum_bandits.neural.scorers import MlpScorer


def with_random_output(scorer, seed=0):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        scorer.weights[-1].normal_(generator=generator)
        scorer.biases[-1].normal_(generator=generator)
    return scorer


def features(rows, columns, seed=1):
    return torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed))


def by_hand(scorer, member, inputs):
    signal = inputs.numpy().astype(np.float64)
    layers = len(scorer.weights)
    for layer, (weight, bias) in enumerate(zip(scorer.weights, scorer.biases, strict=True)):
        signal = signal @ weight[member].detach().double().numpy() + bias[member].detach().double().numpy()
        if layer < layers - 1:
            signal = np.maximum(signal, 0.0)
    return signal


@pytest.mark.parametrize("hidden", [(), (7,), (7, 5)])
def test_each_member_is_the_network_by_hand_and_the_score_their_mean(hidden):
    scorer = with_random_output(MlpScorer(4, hidden=hidden, heads=2, members=3, seed=2))
    inputs = features(6, 4)
    expected = np.stack([by_hand(scorer, member, inputs) for member in range(3)])
    np.testing.assert_allclose(scorer.by_member(inputs).detach(), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(scorer(inputs).detach(), expected.mean(axis=0), rtol=1e-4, atol=1e-5)


def test_an_ensemble_is_its_members_one_by_one():
    ensemble = with_random_output(MlpScorer(4, hidden=(8, 8), members=3))
    inputs = features(5, 4)
    for member, out in enumerate(ensemble.by_member(inputs)):
        alone = MlpScorer(4, hidden=(8, 8))
        alone.load_state_dict({name: tensor[member : member + 1] for name, tensor in ensemble.state_dict().items()})
        torch.testing.assert_close(alone(inputs), out)


def test_members_start_differently_and_seeds_do_too():
    weight = MlpScorer(4, hidden=(8,), members=2, seed=0).weights[0]
    assert not torch.isclose(weight[0], weight[1]).any()
    assert not torch.isclose(weight, MlpScorer(4, hidden=(8,), members=2, seed=1).weights[0]).any()


def test_hidden_weights_keep_the_size_of_a_signal():
    scorer = MlpScorer(400, hidden=(500,))
    assert scorer.weights[0].std().item() == pytest.approx((2 / 400) ** 0.5, rel=0.02)
    assert scorer.biases[0].abs().max().item() <= 400**-0.5


def test_a_members_gradient_touches_its_own_weights_only():
    scorer = with_random_output(MlpScorer(4, hidden=(8, 8), members=3))
    scorer.by_member(features(5, 4))[1].square().sum().backward()
    for parameter in scorer.parameters():
        assert parameter.grad[1].abs().max() > 0
        assert torch.equal(parameter.grad[[0, 2]], torch.zeros_like(parameter.grad[[0, 2]]))


@pytest.mark.parametrize("members", [1, 3])
def test_a_bump_of_one_feature_is_learned(members):
    scorer = MlpScorer(3, hidden=(32, 32), members=members)
    optimizer = torch.optim.Adam(scorer.parameters(), lr=1e-2)
    inputs = torch.rand(512, 3, generator=torch.Generator().manual_seed(0)) * 4 - 2
    bump = torch.exp(-4 * inputs[:, 0] ** 2)
    for _ in range(300):
        optimizer.zero_grad()
        loss = (scorer.by_member(inputs)[:, :, 0] - bump).square().mean()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.02 * bump.var().item()


def test_impossible_sizes_are_named():
    with pytest.raises(ValueError, match=r"hidden are 4 and \(8, 0\)"):
        MlpScorer(4, hidden=(8, 0))
    with pytest.raises(ValueError, match="members is 0"):
        MlpScorer(4, members=0)
