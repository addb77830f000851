"""Recipes parse and resolve, words win over files, and what is wrong is one message."""

import pytest

pytest.importorskip("trl")
pytest.importorskip("math_verify")

import yaml
from accelerate.commands.config.config_args import load_config_from_file

from curriculum_bandits import ProblemBank
from curriculum_bandits.adapters.trl.recipe import (
    RecipeError,
    find_recipe,
    make_curriculum,
    read_recipe,
    shipped_recipes,
    trainer_arguments,
)
from curriculum_bandits.signals import needs_log_ratio

CPU = ["--use_cpu", "true", "--bf16", "false"]
BASE = ["--bank", "countdown", "--model_name_or_path", "nowhere", "--output_dir", "nowhere", *CPU]


def make_bank():
    sums = [(a, b) for a in range(10) for b in range(4)]
    return ProblemBank([f"{a}+{b}=" for a, b in sums], groups=[str(b) for _, b in sums])


PAPER = [name for name in shipped_recipes() if name != "tiny_cpu"]


@pytest.mark.parametrize("name", PAPER)
def test_a_recipe_resolves_to_the_paper_s_settings(name):
    recipe = read_recipe(["--config", name, *CPU])
    training = recipe.training
    assert recipe.prompts_per_batch == 256
    assert training.num_generations == 8
    # The recipe is for eight GPUs; here is one process.
    assert 8 * recipe.prompts_per_update == 64
    assert recipe.resolved["generation_batch_size"] == 2048
    assert (training.learning_rate, training.weight_decay, training.warmup_steps) == (1e-6, 0.1, 0.05)
    assert (training.beta, training.temperature, training.max_completion_length) == (0.0, 1.0, 4096)
    gspo = "gspo" in name
    assert (training.epsilon, training.epsilon_high) == ((3e-4, 4e-4) if gspo else (0.2, 0.28))
    assert training.importance_sampling_level == ("sequence" if gspo else "token")
    assert training.loss_type == "grpo"
    assert recipe.model.model_name_or_path == "Qwen/Qwen2.5-3B"
    assert not getattr(training, "trust_remote_code", False)  # TRL 1.0 has it among the model's settings
    assert not recipe.model.trust_remote_code
    mixture = recipe.curriculum.bank_spec.mixture
    assert "math" in name if mixture is None else mixture.size == 30_000


def test_the_stated_commands_of_a_recipe_keep_the_batch():
    one = read_recipe(["--config", "countdown_gspo", *CPU, "--gradient_accumulation_steps", "64"])
    assert (one.prompts_per_batch, one.prompts_per_update) == (256, 64)
    seven = read_recipe(["--config", "countdown_gspo", *CPU, "--generation_batch_size", "1792"])
    assert 7 * seven.prompts_per_update == 56
    assert seven.prompts_per_batch == 4 * 56


@pytest.mark.parametrize("name", ["ddp", "fsdp", "deepspeed_zero3"])
def test_accelerate_reads_its_files(name):
    path = find_recipe("tiny_cpu").parent / "accelerate" / f"{name}.yaml"
    config = load_config_from_file(str(path))
    assert config.num_processes == 8
    assert config.mixed_precision == "bf16"
    assert {"ddp": "MULTI_GPU", "fsdp": "FSDP", "deepspeed_zero3": "DEEPSPEED"}[name] in str(config.distributed_type)


def test_words_win_over_the_file(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("bank: countdown\nmodel_name_or_path: a\nlearning_rate: 1e-3\nbank_settings: {size: 50, seed: 2}\n")
    recipe = read_recipe(["--config", str(path), "--learning_rate", "2e-3", "--bank_settings", "size=60", *CPU])
    assert recipe.training.learning_rate == 2e-3
    assert recipe.curriculum.bank_spec.mixture.size == 60
    assert read_recipe([f"--config={path}", *CPU]).training.learning_rate == 1e-3


def test_the_resolved_recipe_is_a_recipe(tmp_path):
    words = ["--curriculum", "osmd(floor=1e-2)+dapo(max_draws=3)+delayed(steps=1)", "--generation_batch_size", "16"]
    first = read_recipe([*BASE, *words])
    path = tmp_path / "again.yaml"
    path.write_text(yaml.safe_dump(dict(first.resolved)))
    second = read_recipe(["--config", str(path)])
    assert second.resolved == first.resolved
    assert second.curriculum == first.curriculum
    assert second.curriculum.named.settings == {"floor": 0.01}
    assert trainer_arguments(second.curriculum.named) == {"refills": 2}
    assert second.curriculum.named.delay == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--lerning_rate", "1"], "did you mean 'learning_rate'"),
        (["--lerning_rate=1"], "did you mean 'learning_rate'"),
        (["--curiculum", "osmd"], "did you mean 'curriculum'"),
        (["stray"], "'stray' belongs to no field"),
        (["--bank", "zebras"], "did you mean 'zebra'"),
        (["--bank", "{reasoning_gym: {cuontdown: {}}}"], "did you mean 'countdown'"),
        (["--bank", "{reasoning_gym: ["], "not YAML"),
        (["--bank_settings", "sise=3"], "did you mean 'size'"),
        (["--bank_settings", "size"], "write name=value"),
        (["--eval_bank", "held-out"], "no bank 'held-out'"),
        (["--curriculum", "osmdd"], "did you mean 'osmd'"),
        (["--curriculum", "osmd(flor=1)"], "did you mean 'floor'"),
        (["--curriculum", "actor_curator(candidats=1)"], "did you mean 'candidates'"),
        (["--curriculum", "no_module:f"], "no_module"),
        (["--curriculum", "osmd+dappo"], "did you mean 'dapo'"),
        (["--curriculum", "osmd+speed"], "can have dapo"),
        (["--curriculum", "osmd+dapo(max_draws=0)"], "max_draws is 0"),
        (["--curriculum", "osmd+delayed(steps=-1)"], "write delayed"),
        (["--curriculum", "osmd(signal=tent)", "--signal", "tent"], "give it once"),
        (["--signal", "policy_improvment"], "did you mean 'policy_improvement'"),
        (["--signal", "policy_improvement(rato=sequence)"], "did you mean 'ratio'"),
        (["--curriculum", "osmd", "--features", "some/model"], "only actor_curator"),
        (["--reward_funcs", "os.system"], "no import path"),
        (["--reward_funcs", "json:dumpz"], "did you mean"),
        (["--num_generations", "eight"], "num_generations"),
        (["--num_generations", "1"], "at least 2 generations"),
        (["--config", "countdwn_gspo"], "did you mean 'countdown_gspo'"),
        (["--config"], "without a file"),
    ],
)
def test_a_wrong_word_is_one_message(words, message):
    with pytest.raises(RecipeError, match=message.replace("(", r"\(")) as raised:
        read_recipe([*BASE, *words])
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bnak: countdown", "did you mean 'bank'"),
        ("- bank", "holds a list"),
        ("a: [", "not YAML"),
        ("env: 3", "env in"),
    ],
)
def test_a_wrong_file_is_one_message(tmp_path, text, message):
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(RecipeError, match=message):
        read_recipe(["--config", str(tmp_path / "mine.yaml")])


def test_a_recipe_without_bank_or_model_is_refused():
    with pytest.raises(RecipeError, match="no bank"):
        read_recipe(["--model_name_or_path", "a", *CPU])
    with pytest.raises(RecipeError, match="no model"):
        read_recipe(["--bank", "countdown", *CPU])


@pytest.mark.parametrize("name", ["osmd", "uniform", "sec", "mopps", "actor_curator"])
def test_a_curriculum_is_made_with_its_signal(name):
    words = ["--curriculum", name]
    if name != "uniform":
        words += ["--signal", "policy_improvement(ratio=sequence, holdout=False)"]
    curriculum = make_curriculum(read_recipe([*BASE, *words]).curriculum, make_bank(), seed=1)
    assert len(curriculum.ask(4)) == 4
    assert name == "uniform" or needs_log_ratio(curriculum._signal)


def test_switches_of_the_curator_are_settings_of_the_method():
    words = ["--curriculum", "actor-curator(candidates=8, floor=0.3, loss=Proximal(clip=0.5))"]
    settings = make_curriculum(read_recipe([*BASE, *words]).curriculum, make_bank(), seed=1).bandit.settings
    assert (settings.candidates, settings.floor, settings.loss.clip) == (8, 0.3, 0.5)


def test_a_method_that_cannot_work_with_the_bank_says_so():
    config = read_recipe([*BASE, "--curriculum", "adarft"]).curriculum
    with pytest.raises(RecipeError, match="adarft"):
        make_curriculum(config, make_bank(), seed=1)


def test_the_help_shows_our_fields_first(capsys):
    with pytest.raises(SystemExit) as ended:
        read_recipe(["--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert shown.index("--bank ") < shown.index("--curriculum ") < shown.index("--learning_rate ")
    assert "countdown_gspo" in shown
