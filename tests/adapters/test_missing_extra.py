"""Without an extra there is one clear line with the pip command, before any work is done."""

import subprocess
import sys

import pytest


def run_without(module, code):
    program = f"import sys; sys.modules[{module!r}] = None\n{code}"
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)


def test_the_trl_adapter_names_its_extra():
    done = run_without("trl", "import curriculum_bandits.adapters.trl")
    assert done.returncode != 0
    assert "trl is not installed; run: pip install 'curriculum-bandits[llm]'" in done.stderr


@pytest.mark.parametrize(("module", "extra"), [("trl", "llm"), ("matplotlib", "benchmarks")])
def test_the_demo_says_so_in_one_line(tmp_path, module, extra):
    if module == "matplotlib":
        pytest.importorskip("trl")
    arguments = ["demo", "--output", str(tmp_path), "--cache", str(tmp_path)]
    done = run_without(module, f"from curriculum_bandits.cli import main; sys.exit(main({arguments!r}))")
    assert done.returncode == 1
    expected = f"curriculum-bandits demo: {module} is not installed; run: pip install 'curriculum-bandits[{extra}]'"
    assert done.stderr.strip().splitlines()[-1] == expected
    assert "Traceback" not in done.stderr
