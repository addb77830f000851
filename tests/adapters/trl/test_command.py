"""The command from words to a trained model, on a CPU, with a tiny model and small banks in the place of the real."""

import json
import shutil

import pytest

pytest.importorskip("trl")
pytest.importorskip("math_verify")

import yaml

from curriculum_bandits.adapters.trl.command import ENVIRONMENT_FILE, RESOLVED_FILE, main, run_recipe
from curriculum_bandits.adapters.trl.recipe import read_recipe, shipped_recipes
from curriculum_bandits.adapters.trl.tiny import make_tiny, tiny_model, tiny_tokenizer
from curriculum_bandits.cli import main as cli

LETTERS = "".join(chr(code) for code in range(32, 127)) + "\n"
QUICK = {
    "use_cpu": True,
    "bf16": False,
    "dtype": "float32",
    "gradient_checkpointing": False,
    "disable_tqdm": True,
    "per_device_train_batch_size": 8,
    "gradient_accumulation_steps": 1,
    "generation_batch_size": 16,
    "max_completion_length": 3,
    "save_strategy": "no",
    "eval_strategy": "no",
}
SMALL = {
    "zebra": "{reasoning_gym: {zebra_puzzles: {num_people: 2, num_characteristics: 2}}}",
    "countdown": "{reasoning_gym: {countdown: {levels: {a: {min_numbers: 2, max_numbers: 2, min_target: 1}}}}}",
    "arc_1d": "{reasoning_gym: {arc_1d: {min_size: 8, max_size: 8, num_train: 1}}}",
}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A folder with a model that knows nothing of anything, and sums."""
    folder = tmp_path_factory.mktemp("tiny")
    make_tiny(folder, steps=0, problems=10, progress=False)
    return folder


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    """A model that reads all letters, with a chat template."""
    folder = tmp_path_factory.mktemp("reader") / "model"
    tokenizer = tiny_tokenizer(LETTERS)
    tokenizer.chat_template = "{% for message in messages %}{{ message['content'] }}\n{% endfor %}"
    tokenizer.save_pretrained(folder)
    tiny_model(tokenizer, hidden=16, layers=1).save_pretrained(folder)
    return folder


def words(**fields):
    return [word for name, value in fields.items() for word in (f"--{name}", str(value))]


def sums(tiny, tmp_path, **fields):
    given = {
        **QUICK,
        "model_name_or_path": tiny / "model",
        "bank": f"{{jsonl: {{path: {tiny / 'sums.jsonl'}}}}}",
        "output_dir": tmp_path / "run",
        "curriculum": "osmd",
        "num_generations": 4,
        "max_steps": 4,
        "learning_rate": 1e-2,
        "lr_scheduler_type": "constant",
        "logging_steps": 1,
        "report_to": "none",
        **fields,
    }
    return words(**given)


def drawn(folder):
    lines = [json.loads(line) for line in (folder / "curriculum.jsonl").read_text().splitlines()]
    return [(line["items"], line["utility"]) for line in lines if line["kind"] == "draw"]


@pytest.mark.parametrize("name", [name for name in shipped_recipes() if name != "tiny_cpu"])
def test_a_recipe_trains_with_a_tiny_model_in_its_place(name, reader, tmp_path):
    fields = {**QUICK, "model_name_or_path": reader, "output_dir": tmp_path / "run", "max_steps": 2}
    if name.startswith("math"):
        problems = [{"problem": f"{a}+{b}", "answer": str(a + b)} for a in range(5) for b in range(5)]
        (tmp_path / "math.jsonl").write_text("\n".join(map(json.dumps, problems)))
        fields |= {"bank": f"{{math: {{path: {tmp_path / 'math.jsonl'}}}}}", "bank_settings": "held_out=4,chat=true"}
    else:
        family = name.rsplit("_", 1)[0] if "curator" not in name else "countdown"
        fields |= {"bank": SMALL[family], "bank_settings": "size=24,held_out=4,chat=true"}
        fields |= {"bank_cache": tmp_path / "banks"}
    if "curator" in name:
        fields["features"] = reader
    trainer = run_recipe(read_recipe(["--config", name, *words(**fields)]))
    assert trainer is not None
    assert trainer.state.global_step == 2
    assert len(drawn(tmp_path / "run")) == 1  # one generation batch of two updates
    assert trainer.curriculum.outstanding == ()
    assert (tmp_path / "run" / "model.safetensors").exists()


def test_the_tiny_recipe_trains_and_evaluates(tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(tiny, tmp_path / "runs" / "tiny")
    fields = {"max_steps": 2, "eval_steps": 2, "bank_settings": "held_out=8", "disable_tqdm": True}
    few = {"per_device_train_batch_size": 16, "per_device_eval_batch_size": 8}
    trainer = run_recipe(read_recipe(["--config", "tiny_cpu", *words(**fields, **few)]))
    assert trainer is not None
    (measured,) = [log for log in trainer.state.log_history if "eval_reward" in log]
    assert 0.0 <= measured["eval_rewards/accuracy/mean"] <= 1.0
    assert any(name.startswith("eval_accuracy/") for name in measured)
    lines = (tmp_path / "runs" / "tiny_cpu" / "curriculum.jsonl").read_text().splitlines()
    assert any(json.loads(line)["kind"] == "evaluation" for line in lines)


def test_the_stored_recipe_repeats_the_run(tiny, tmp_path):
    assert main(sums(tiny, tmp_path)) == 0
    stored = tmp_path / "run" / RESOLVED_FILE
    assert main(["--config", str(stored), "--output_dir", str(tmp_path / "again")]) == 0
    assert drawn(tmp_path / "run") == drawn(tmp_path / "again")
    first, again = (yaml.safe_load((tmp_path / run / RESOLVED_FILE).read_text()) for run in ("run", "again"))
    assert {name for name in first if first[name] != again[name]} == {"output_dir"}
    (start,) = json.loads((tmp_path / "run" / ENVIRONMENT_FILE).read_text())["starts"]
    assert {"torch", "trl", "transformers", "accelerate", "datasets", "curriculum-bandits"} <= set(start["versions"])
    assert start["seeds"]["seed"] == 42
    assert start["processes"] == 1
    assert len(start["bank"]) == 16


def test_the_same_command_goes_on_from_the_last_complete_checkpoint(tiny, tmp_path):
    saved = {"save_strategy": "steps", "save_steps": 4, "generation_batch_size": 8}
    assert main(sums(tiny, tmp_path, **saved, max_steps=8)) == 0
    whole = drawn(tmp_path / "run")
    half = {**saved, "output_dir": tmp_path / "half"}
    assert main(sums(tiny, tmp_path, **half, max_steps=4)) == 0
    (tmp_path / "half" / "checkpoint-6").mkdir()  # as a kill in the middle of a save leaves it
    assert main(sums(tiny, tmp_path, **half, max_steps=8)) == 0
    assert drawn(tmp_path / "half") == whole
    assert len(json.loads((tmp_path / "half" / ENVIRONMENT_FILE).read_text())["starts"]) == 2


def test_the_same_command_trains_no_step_more_after_the_end_and_writes_the_model_if_it_is_missing(tiny, tmp_path):
    same = sums(tiny, tmp_path, save_strategy="steps", save_steps=4)
    run = tmp_path / "run"
    assert main(same) == 0
    before, weights = drawn(run), (run / "model.safetensors").read_bytes()
    (run / "model.safetensors").unlink()
    assert main(same) == 0
    assert drawn(run) == before
    assert (run / "model.safetensors").read_bytes() == weights
    assert [folder.name for folder in run.glob("checkpoint-*")] == ["checkpoint-4"]


def test_a_damaged_checkpoint_is_one_line_with_the_file_and_the_remedy(tiny, tmp_path, capsys):
    saved = {"save_strategy": "steps", "save_steps": 1, "generation_batch_size": 8}
    assert main(sums(tiny, tmp_path, **saved, max_steps=2)) == 0
    last = tmp_path / "run" / "checkpoint-2"
    whole = (last / "curriculum.npz").read_bytes()
    for damaged in (whole[: len(whole) // 2], b""):
        (last / "curriculum.npz").write_bytes(damaged)
        capsys.readouterr()
        assert main(sums(tiny, tmp_path, **saved, max_steps=3)) == 2
        shown = [line for line in capsys.readouterr().err.splitlines() if line.startswith("curriculum-bandits llm: ")]
        assert len(shown) == 1
        assert f"{last / 'curriculum.npz'} is damaged" in shown[0]
        assert f"remove {last} to resume from the checkpoint before it" in shown[0]
    shutil.rmtree(last)
    assert main(sums(tiny, tmp_path, **saved, max_steps=3)) == 0
    assert len(drawn(tmp_path / "run")) == 3


def test_a_folder_of_another_run_is_refused_with_the_fields_named(tiny, tmp_path, capsys):
    assert main(sums(tiny, tmp_path, max_steps=1)) == 0
    before = (tmp_path / "run" / RESOLVED_FILE).read_text()
    capsys.readouterr()
    assert main(sums(tiny, tmp_path, max_steps=1, learning_rate=1e-3, curriculum="sec")) == 2
    shown = capsys.readouterr().err
    assert "learning_rate 0.01, now 0.001" in shown
    assert "curriculum 'osmd', now 'sec'" in shown
    assert (tmp_path / "run" / RESOLVED_FILE).read_text() == before
    assert main(sums(tiny, tmp_path, max_steps=1, learning_rate=1e-3, overwrite_run="true")) == 0
    assert "0.001" in (tmp_path / "run" / RESOLVED_FILE).read_text()
    assert main(sums(tiny, tmp_path, max_steps=1, learning_rate=1e-3)) == 0  # and it goes on as that run


def test_several_reward_functions_with_missing_rewards(tiny, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "my_rewards_of_length.py").write_text(
        "def length(completions, **columns):\n"
        "    return [len(c) / 10 if i % 2 else None for i, c in enumerate(completions)]\n"
    )
    given = ["--reward_funcs", "bank", "my_rewards_of_length:length", "--reward_weights", "1.0", "0.5"]
    trainer = run_recipe(read_recipe([*sums(tiny, tmp_path, max_steps=1), *given]))
    assert trainer is not None
    assert trainer.reward_func_names == ["accuracy", "length"]
    assert trainer.reward_weights.tolist() == [1.0, 0.5]
    assert main([*sums(tiny, tmp_path, output_dir=tmp_path / "b"), *given[:3], "--reward_weights", "1.0"]) == 2


def test_refills_and_delay_reach_the_trainer(tiny, tmp_path):
    trainer = run_recipe(
        read_recipe(sums(tiny, tmp_path, max_steps=2, curriculum="osmd+dapo(max_draws=2)+delayed(steps=1)"))
    )
    assert trainer is not None
    assert trainer.refills == 1
    assert trainer.curriculum.steps == 1


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"lerning_rate": 1}, "did you mean 'learning_rate'"),
        ({"bank": "countdwon"}, "did you mean 'countdown'"),
        ({"bank": "{jsonl: {path: nowhere.jsonl}}"}, "no file 'nowhere.jsonl'"),
        ({"bank_settings": "prompt=quesion"}, "column"),
        ({"generation_batch_size": 1600}, "takes 400 problems, the bank has"),
        ({"eval_strategy": "steps"}, "no eval_bank"),
        ({"model_name_or_path": "/no/such/model"}, "/no/such/model"),
        ({"curriculum": "bots"}, "the bank has no column 'weak_pass_rate'"),
    ],
)
def test_a_run_that_cannot_start_is_one_message_and_leaves_no_folder(tiny, tmp_path, capsys, fields, message):
    assert cli(["llm", *sums(tiny, tmp_path, **fields)]) == 2
    shown = capsys.readouterr().err.strip().splitlines()[-1]
    assert shown.startswith("curriculum-bandits llm: ")
    assert message in shown
    assert not (tmp_path / "run" / RESOLVED_FILE).exists()


def test_banks_can_be_prepared_alone(tmp_path):
    fields = {"bank": SMALL["countdown"], "bank_settings": "size=12", "bank_cache": tmp_path / "banks"}
    assert main(words(**fields, prepare_only="true", use_cpu="true", bf16="false", output_dir=tmp_path / "run")) == 0
    assert len(list((tmp_path / "banks").glob("*/bank.json"))) == 1
    assert not (tmp_path / "run").exists()


def test_an_error_while_training_shows_where_it_happened(tiny, tmp_path, capsys, monkeypatch):
    def broken(*arguments, **options):
        raise RuntimeError("out of memory")

    monkeypatch.setattr("curriculum_bandits.adapters.trl.trainer.CurriculumGRPOTrainer.train", broken)
    assert main(sums(tiny, tmp_path)) == 1
    said = capsys.readouterr().err
    assert "in broken" in said
    assert said.splitlines()[-1] == "curriculum-bandits llm: out of memory"
