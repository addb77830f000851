"""ADS: labels or clusters of features, and what it needs of a bank."""

import subprocess
import sys

import numpy as np
import pytest

from curriculum_bandits import ProblemBank, methods

N = 40
PROMPTS = [f"prompt {i}" for i in range(N)]
GRADED = ProblemBank(PROMPTS, difficulty=np.arange(N) * 2.0 + 10.0)


def test_ads_takes_labels_of_any_kind_and_needs_no_sklearn_then():
    labels = np.where(np.arange(N) % 2, "odd", "even")
    curriculum = methods.ads(GRADED, clusters=labels, width=5)
    assert [window.tolist() for window in curriculum.bandit.windows] == [[0, 2, 4, 6, 8], [1, 3, 5, 7, 9]]
    assert (curriculum.bandit.smoothing, curriculum.bandit.tolerance, curriculum.bandit.target) == (0.3, 0.17, 0.5)
    code = (
        "import sys; sys.modules['sklearn'] = None\n"
        "from curriculum_bandits import ProblemBank, methods\n"
        "bank = ProblemBank(['a', 'b'], difficulty=[1, 2], features=[[0.0], [1.0]])\n"
        "methods.ads(bank, clusters=[0, 1])\n"
        "try:\n    methods.ads(bank)\nexcept ModuleNotFoundError as error:\n    print(error)\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "pip install 'curriculum-bandits[neural]'" in said


def test_ads_clusters_features_the_same_way_for_every_seed():
    pytest.importorskip("sklearn")
    features = np.column_stack([np.repeat([0.0, 10.0], N // 2), np.zeros(N)])
    features += np.random.default_rng(0).normal(0, 0.1, features.shape)
    bank = ProblemBank(PROMPTS, difficulty=np.arange(N), features=features)
    one, other = (methods.ads(bank, seed, clusters=2, width=20) for seed in (0, 1))
    assert sorted(sorted(window.tolist()) for window in one.bandit.windows) == [list(range(20)), list(range(20, 40))]
    other.load_state_dict(one.state_dict())
    assert len(methods.ads(bank).bandit.shares) == 1  # 64 clusters are too many for 40 problems and windows of 32
    assert len(methods.ads(bank, width=4).bandit.shares) == 10


def test_ads_says_what_it_lacks():
    with pytest.raises(ValueError, match="ProblemBank difficulty="):
        methods.ads(ProblemBank(PROMPTS, features=np.eye(N)))
    with pytest.raises(ValueError, match="ProblemBank features=, or ads clusters= as labels"):
        methods.ads(GRADED)
    with pytest.raises(ValueError, match=r"one label per problem, shape \(40,\)"):
        methods.ads(GRADED, clusters=[0, 1])
    with pytest.raises(ValueError, match="clusters is 0"):
        methods.ads(ProblemBank(PROMPTS, difficulty=np.arange(N), features=np.eye(N)), clusters=0)
