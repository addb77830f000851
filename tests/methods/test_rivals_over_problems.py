"""AdaRFT, difficulty pools, PLR, ADS and PCL as curricula: published settings, and what they need of a bank."""

import math
import subprocess
import sys

import numpy as np
import pytest

from curriculum_bandits import ProblemBank, Rollouts, methods

N = 40
PROMPTS = [f"prompt {i}" for i in range(N)]
GRADED = ProblemBank(PROMPTS, difficulty=np.arange(N) * 2.0 + 10.0)


def successes(rates, rollouts=4):
    """Rollouts with these success rates."""
    return Rollouts([[1.0] * round(rate * rollouts) + [0.0] * (rollouts - round(rate * rollouts)) for rate in rates])


def test_adarft_has_the_published_settings_in_the_units_of_the_bank():
    bandit = methods.adarft(GRADED).bandit
    assert (bandit.step, bandit.sensitivity, bandit.target_reward) == (pytest.approx(0.5 * 78), 2.0, 0.5)
    assert bandit.target == 10.0
    assert methods.adarft(GRADED, start=30.0).bandit.target == 30.0


def test_adarft_moves_by_the_mean_of_what_answered():
    curriculum = methods.adarft(GRADED)
    draw = curriculum.ask(3)
    assert set(draw.items) == {0, 1, 2}
    feedback = curriculum.signal(Rollouts([[1.0, 1.0], [1.0, 0.0], [math.nan, math.nan]]))
    curriculum.tell(draw, feedback)
    assert curriculum.bandit.target == pytest.approx(10 + 39 * math.tanh(2 * 0.25))


def test_methods_that_need_difficulty_say_which_argument_supplies_it():
    bank = ProblemBank(PROMPTS, features=np.eye(N))
    for make in (methods.adarft, methods.ads):
        with pytest.raises(ValueError, match="ProblemBank difficulty="):
            make(bank)
    with pytest.raises(ValueError, match="difficulty of problem 3 is nan"):
        methods.adarft(ProblemBank(PROMPTS, difficulty=[math.nan if i == 3 else 1.0 for i in range(N)]))


def test_difficulty_pools_follow_success():
    curriculum = methods.difficulty_pools(GRADED)
    draw = curriculum.ask(4)
    curriculum.tell(draw, curriculum.signal(successes([0.0, 0.5, 1.0, 0.25])))
    p = curriculum.bandit.probabilities()[draw.items]
    np.testing.assert_allclose(p / p[1], [0.1, 1.0, 0.1, 1.0])


def test_plr_scores_by_a_critics_advantages_where_there_are_any():
    curriculum = methods.plr(GRADED)
    assert (curriculum.bandit.temperature, curriculum.bandit.staleness) == (0.1, 0.1)
    rollouts = Rollouts([[1.0, 0.0], [1.0, 1.0]], absolute_advantages=[[0.25, 0.75], [2.0, 1.0]])
    np.testing.assert_allclose(curriculum.signal(rollouts).values, [0.5, 1.5])
    compared = curriculum.signal(successes([0.5, 1.0])).values
    assert compared[0] > 0.8
    assert compared[1] == 0.0


def test_plr_sees_every_problem_as_often_as_uniform_until_all_are_seen():
    curriculum = methods.plr(GRADED)
    for _ in range(5):
        draw = curriculum.ask(4)
        curriculum.tell(draw, np.linspace(0, 1, 4))
    seen = curriculum.bandit.diagnostics()["seen"]
    assert 0.25 < seen <= 0.5
    for _ in range(200):
        curriculum.tell(curriculum.ask(4), np.linspace(0, 1, 4))
    assert curriculum.bandit.diagnostics()["seen"] == 1.0


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
    with pytest.raises(ValueError, match="ProblemBank features=, or ads clusters= as labels"):
        methods.ads(GRADED)
    with pytest.raises(ValueError, match=r"one label per problem, shape \(40,\)"):
        methods.ads(GRADED, clusters=[0, 1])
    with pytest.raises(ValueError, match="clusters is 0"):
        methods.ads(ProblemBank(PROMPTS, difficulty=np.arange(N), features=np.eye(N)), clusters=0)


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
