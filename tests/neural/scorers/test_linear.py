"""The linear scorer against the product it stands for."""

import numpy as np
import torch

from curriculum_bandits.neural.scorers import LinearScorer


def test_the_score_is_w_x_plus_b():
    scorer = LinearScorer(3, heads=2)
    with torch.no_grad():
        scorer.weight.copy_(torch.tensor([[1.0, -2.0, 0.5], [0.0, 3.0, 1.0]]))
        scorer.bias.copy_(torch.tensor([0.25, -1.0]))
    features = torch.tensor([[1.0, 2.0, 4.0], [0.0, -1.0, 2.0]])
    np.testing.assert_array_equal(scorer(features).detach(), [[-0.75, 9.0], [3.25, -2.0]])
