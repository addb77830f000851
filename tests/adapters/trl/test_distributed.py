"""Two real processes: one decision per generation batch, the same on both, and every row credited where it belongs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from .conftest import GENERATIONS, make_bank


@pytest.mark.slow
@pytest.mark.parametrize("batch", [8, 6], ids=["whole groups", "a group straddles the ranks"])
def test_two_processes_share_one_draw_and_one_answer(tmp_path, batch):
    script = Path(__file__).with_name("distributed_run.py")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    environment = {**os.environ, "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [*command, str(script), str(tmp_path), str(batch)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    main, other = (json.loads((tmp_path / f"rank{rank}.json").read_text()) for rank in (0, 1))
    assert len(main["drawn"]) == 3
    assert other["drawn"] == []
    assert main["open"] == 0
    prompts = make_bank().prompts
    for drawn, here, there, rewards in zip(main["drawn"], main["seen"], other["seen"], main["rewards"], strict=True):
        assert len(set(drawn)) == 2 * batch // GENERATIONS
        assert here["prompts"] + there["prompts"] == [prompts[item] for item in np.repeat(drawn, GENERATIONS)]
        np.testing.assert_allclose(np.ravel(rewards), here["rewards"] + there["rewards"], rtol=1e-6)
    assert np.all(np.abs(main["log_ratio"]).max(axis=(1, 2)) > 0)
    assert main["weights"] == other["weights"]
