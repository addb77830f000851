"""PCL: what its value model reads, and what it refuses."""

import math

import numpy as np
import pytest

from curriculum_bandits import ProblemBank, Rollouts, methods

N = 40
PROMPTS = [f"prompt {i}" for i in range(N)]


def successes(rates, rollouts=4):
    """Rollouts with these success rates."""
    return Rollouts([[1.0] * round(rate * rollouts) + [0.0] * (rollouts - round(rate * rollouts)) for rate in rates])


def test_pcl_reads_the_features_of_the_bank_or_of_its_prompts():
    pytest.importorskip("torch")
    bank = ProblemBank(PROMPTS, features=np.random.default_rng(0).normal(size=(N, 3)))
    curriculum = methods.pcl(bank, seed=1)
    assert (curriculum.bandit.target, curriculum.bandit.candidates) == (0.5, 4)
    draw = curriculum.ask(5)
    assert (len(draw.items), len(draw.candidates), draw.inclusion) == (5, 20, None)
    curriculum.tell(draw, curriculum.signal(successes([0.0, 0.25, 0.5, 0.75, 1.0])))
    assert np.isfinite(curriculum.diagnostics()["prediction_error"])
    assert math.isnan(curriculum.entropy())


def test_pcl_reads_difficulty_beside_features():
    pytest.importorskip("torch")
    bank = ProblemBank(PROMPTS, features=np.eye(N)[:, :3], difficulty=np.arange(N))
    assert methods.pcl(bank).bandit.scorer.columns == 4


def test_pcl_says_what_its_scorer_lacks():
    pytest.importorskip("torch")
    from curriculum_bandits.neural import FeatureRows, MlpScorer
    from curriculum_bandits.neural.features import matrix_features

    bank = ProblemBank(PROMPTS, features=np.eye(N))
    with pytest.raises(ValueError, match="inputs are of 4 problems, the bank has 40"):
        methods.pcl(bank, inputs=FeatureRows(matrix_features(np.eye(4))), scorer=MlpScorer(4))

    class Tokens:
        def __len__(self):
            return N

    with pytest.raises(ValueError, match="give the scorer that reads them"):
        methods.pcl(bank, inputs=Tokens())
    curriculum = methods.pcl(bank)
    draw = curriculum.ask(2)
    with pytest.raises(ValueError, match="a success rate is between 0 and 1"):
        curriculum.tell(draw, [3.0, 0.0])
