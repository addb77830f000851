"""Real processes: one decision per generation batch, the same on all, and every row credited where it belongs."""

import json
import os
import subprocess
import sys
from itertools import chain
from pathlib import Path

import numpy as np
import pytest

from .conftest import make_bank


def reports(folder, processes, *, batch, generations, refills=-1, fails=0):
    script = Path(__file__).with_name("distributed_run.py")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]
    words = [str(folder), *map(str, (batch, generations, refills, fails))]
    done = subprocess.run(
        [*command, str(script), *words],
        env={**os.environ, "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads((folder / f"rank{rank}.json").read_text()) for rank in range(processes)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("processes", "batch", "generations"),
    [
        pytest.param(2, 8, 4, id="whole groups"),
        pytest.param(2, 6, 4, id="a group straddles two ranks"),
        pytest.param(3, 4, 6, id="groups straddle three ranks"),
    ],
)
def test_processes_share_one_draw_and_one_answer(tmp_path, processes, batch, generations):
    main, *others = ranks = reports(tmp_path, processes, batch=batch, generations=generations)
    assert len(main["drawn"]) == 3
    assert all(other["drawn"] == [] for other in others)
    assert main["open"] == 0
    prompts = make_bank().prompts
    for step, (drawn, rewards) in enumerate(zip(main["drawn"], main["rewards"], strict=True)):
        assert len(set(drawn)) == processes * batch // generations
        seen = [rank["seen"][step] for rank in ranks]
        assert list(chain.from_iterable(s["prompts"] for s in seen)) == [
            prompts[item] for item in np.repeat(drawn, generations)
        ]
        np.testing.assert_allclose(np.ravel(rewards), list(chain.from_iterable(s["rewards"] for s in seen)), rtol=1e-6)
    assert np.all(np.abs(main["log_ratio"]).max(axis=(1, 2)) > 0)
    assert all(main["weights"] == other["weights"] for other in others)


@pytest.mark.slow
@pytest.mark.parametrize(("processes", "batch", "generations"), [(2, 6, 4), (3, 4, 6)])
def test_processes_share_what_the_filter_keeps(tmp_path, processes, batch, generations):
    ranks = reports(tmp_path, processes, batch=batch, generations=generations, refills=20)
    main = ranks[0]
    assert len(main["drawn"]) > 3
    assert main["open"] == 0
    trained = np.concatenate([np.all(t, axis=1) for t in main["trained"]])
    can_teach = np.concatenate([np.std(rewards, axis=1) > 0 for rewards in main["rewards"]])
    assert can_teach.sum() >= 3 * processes * batch // generations > 0
    assert not np.any(trained & ~can_teach)
    assert trained.sum() == 3 * processes * batch // generations
    for step in range(3):
        parts = [rank["losses"][step] for rank in ranks]
        rows = list(chain.from_iterable(part["rows"] for part in parts))
        assert all(len(part["rows"]) == batch for part in parts)
        assert len(set(rows)) == len(rows)
        assert len({row // generations for row in rows}) == processes * batch // generations
        assert {part["tokens"] for part in parts} == {sum(part["own_tokens"] for part in parts)}
    moved = np.abs(np.concatenate([np.ravel(r) for r in main["log_ratio"]]))
    assert np.all((moved > 0) <= np.repeat(trained, generations))
    assert len({rank["weights"] for rank in ranks}) == 1


@pytest.mark.slow
def test_a_curriculum_that_fails_in_the_main_process_ends_all_of_them(tmp_path):
    main, other = reports(tmp_path, 2, batch=8, generations=4, fails=1)
    assert main["error"] == "ValueError: a utility nobody can use"
    assert other["error"] == (
        "RuntimeError: the curriculum failed in the main process (ValueError: a utility nobody can use)"
    )
