"""Without its extra an adapter says so in one clear line with the pip command; commands: tests/test_cli.py."""

import subprocess
import sys


def test_the_trl_adapter_names_its_extra():
    program = "import sys; sys.modules['trl'] = None\nimport curriculum_bandits.adapters.trl"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode != 0
    assert "trl is not installed; run: pip install 'curriculum-bandits[llm]'" in done.stderr
