"""Two real processes share one curator: weights the same in every bit, and the same as one process alone would have."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import distributed as dist

from curriculum_bandits import Curriculum, ProblemBank
from curriculum_bandits.neural import PAPER, FeatureRows, MlpScorer, NeuralCurator, Proximal, samplers
from curriculum_bandits.neural.features import matrix_features
from curriculum_bandits.neural.processes import Processes
from curriculum_bandits.proposals import UniformProposal
from curriculum_bandits.signals import policy_improvement
from tests.processes.launcher import launch

N, ROUNDS = 24, 5
PLAIN = replace(
    PAPER,
    candidates=15,  # odd, so that shares differ
    dormant=2,
    warm_up=1,
    window=3,
    gain=None,
    sampler=samplers.exact,
    loss=Proximal(),
    floor=0.1,
    learning_rate=0.01,
)
CASES = {
    "plain": PLAIN,
    "in chunks": replace(PLAIN, chunk=3, gradient_steps=2),
    "doubly robust": replace(PLAIN, baseline="predicted", proposal="uniform"),
    "one candidate": replace(PLAIN, candidates=1),
}


def a_curriculum(settings, seed=0, together=False, proposal=None):
    features = np.random.default_rng(0).normal(size=(N, 4))
    scorer = MlpScorer(4, hidden=(8,), heads=2, seed=seed)
    inputs = FeatureRows(matrix_features(features, progress=False))
    curator = NeuralCurator(inputs, scorer, settings, together=together, proposal=proposal)
    bank = ProblemBank([f"p{i}" for i in range(N)])
    return Curriculum(bank, curator, policy_improvement, name="curator", seed=seed)


def worked(curriculum, noise=0.0):
    """Draws, then all weights but the constant in the score, which the softmax does not see."""
    drawn, rng = [], np.random.default_rng(7)
    size = min(4, curriculum.bandit.settings.candidates)
    for _ in range(ROUNDS):
        draw = curriculum.ask(size)
        drawn.append([draw.items.tolist(), draw.probability.tolist(), draw.inclusion.tolist()])
        curriculum.tell(draw, np.cos(1.0 + draw.items) + noise * rng.normal(size=size))
    weights = [weight.detach().clone() for weight in curriculum.bandit.scorer.parameters()]
    shift = weights[-1][..., 0].item()
    weights[-1][..., 0] = 0.0
    flat = torch.cat([weight.flatten() for weight in weights]).tolist()
    return {"drawn": drawn, "weights": flat, "shift": shift, "diagnostics": curriculum.diagnostics()}


class Local(Exception):
    """An error that cannot be sent: it cannot be made again from its message."""

    def __init__(self, one, other):
        super().__init__(f"{one} and {other}")


class FailsOnce(UniformProposal):
    def __init__(self, error):
        super().__init__(N)
        self.error = error

    def propose(self, size, rng):
        error, self.error = self.error, None
        if error is not None:
            raise error
        return super().propose(size, rng)


class Breaks(FeatureRows):
    """Rows that one process cannot read, once."""

    broken = False

    def __call__(self, items, device):
        if self.broken:
            self.broken = False
            raise OSError("the disk is gone")
        return super().__call__(items, device)


def failing_share(rank):
    """What an error in the share of process 1 becomes, and whether work goes on afterwards."""
    curriculum = a_curriculum(replace(PLAIN, dormant=0), rank, together=True)
    rows = Breaks(matrix_features(np.random.default_rng(0).normal(size=(N, 4)), progress=False))
    rows.broken = rank == 1
    curriculum.bandit.inputs = rows
    try:
        curriculum.ask(3)
    except Exception as caught:
        told = f"{type(caught).__name__}: {caught}"
    return {"error": told, **worked(curriculum)}


def failing(rank, error):
    """What an error in the decision of process 0 becomes, and whether work goes on afterwards."""
    curriculum = a_curriculum(replace(PLAIN, dormant=0), rank, together=True, proposal=FailsOnce(error))
    try:
        curriculum.ask(3)
    except Exception as caught:
        told = f"{type(caught).__name__}: {caught}"
    return {"error": told, **worked(curriculum)}


def worked_cases(folder):
    """All cases one after the other, with utilities that differ from process to process."""
    dist.init_process_group("gloo")
    rank = dist.get_rank()
    report = {
        name: worked(a_curriculum(settings, seed=rank, together=True), noise=float(rank))
        for name, settings in CASES.items()
    }
    report["an error"] = failing(rank, ValueError("no candidates today"))
    report["an error that cannot be sent"] = failing(rank, Local("this", "that"))
    report["an error in a share"] = failing_share(rank)
    report["shares"] = [[Processes(True).share(n).indices(n)[:2] for n in (0, 1, 15)], Processes(True).count]
    if rank == 1:  # alone also where there is a group
        report["alone"] = worked(a_curriculum(PLAIN))
    return report


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    return launch(worked_cases, tmp_path_factory.mktemp("processes"), processes=2)


@pytest.mark.parametrize("case", CASES)
def test_two_processes_that_differ_end_with_the_same_bits(reports, case):
    # Their scorers, generators and utilities differ; what process 0 has counts.
    one, other = (report[case] for report in reports)
    np.testing.assert_equal(other, one)
    assert len(one["drawn"]) == ROUNDS


@pytest.mark.parametrize("case", CASES)
def test_they_draw_and_learn_what_one_process_would(reports, case):
    alone, together = worked(a_curriculum(CASES[case])), reports[0][case]
    for mine, theirs in zip(alone["drawn"], together["drawn"], strict=True):
        assert mine[0] == theirs[0]
        np.testing.assert_allclose(mine[1:], theirs[1:], rtol=1e-4)
    np.testing.assert_allclose(together["weights"], alone["weights"], rtol=0, atol=1e-5)
    start = a_curriculum(CASES[case]).bandit.scorer.weights[-1]
    if case != "one candidate":  # of which nothing can be learned
        assert np.abs(np.array(alone["weights"])).sum() > start.abs().sum()
    for name, value in alone["diagnostics"].items():
        if name != "score_correlation":  # of utilities with a distribution that may be uniform but for rounding
            assert together["diagnostics"][name] == pytest.approx(value, rel=1e-3, abs=1e-5, nan_ok=True), name


def test_other_utilities_would_have_shown(reports):
    noisy = worked(a_curriculum(PLAIN), noise=1.0)
    assert np.abs(np.subtract(noisy["weights"], reports[0]["plain"]["weights"])).max() > 1e-3


@pytest.mark.parametrize(
    ("case", "here", "there"),
    [
        ("an error", "ValueError: no candidates today", "ValueError: no candidates today"),
        ("an error that cannot be sent", "Local: this and that", "RuntimeError: Local: this and that"),
        (
            "an error in a share",
            "RuntimeError: the curator failed in another process, whose own error says why",
            "OSError: the disk is gone",
        ),
    ],
)
def test_an_error_of_one_process_is_raised_in_all_and_leaves_them_able_to_go_on(reports, case, here, there):
    one, other = (report[case] for report in reports)
    assert (one.pop("error"), other.pop("error")) == (here, there)
    np.testing.assert_equal(other, one)


def test_shares_are_all_rows_in_order(reports):
    assert reports[0]["shares"] == [[[0, 0], [0, 0], [0, 7]], 2]
    assert reports[1]["shares"] == [[[0, 0], [0, 1], [7, 15]], 2]


def test_a_curator_that_is_not_together_is_alone_also_in_a_group(reports):
    assert reports[1]["alone"] == json.loads(json.dumps(worked(a_curriculum(PLAIN))))


def test_without_a_group_everything_is_local():
    processes = Processes(together=True)
    assert (processes.count, processes.rank, processes.share(5)) == (1, 0, slice(0, 5))
    rows = torch.ones(3, 2)
    assert processes.gather(rows, 3) is rows
    assert processes.agree(lambda: 4) == 4
    processes.sum_gradients([rows])
    processes.copy_from_first([rows])
    assert rows.grad is None
