"""``curriculum-bandits llm``: one command and one YAML file, from a laptop to many GPUs.

The words are checked first, then the folder of the run, then the bank is made, and only then is a model loaded. The
same command on a folder with checkpoints continues from the last complete one.
"""

from __future__ import annotations

import json
import logging
import platform
import shlex
import shutil
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR
from trl import get_peft_config, get_quantization_config

from curriculum_bandits.exit_status import ended
from curriculum_bandits.tracking import RECORD_FILE

from ..banks.build import Banks, build_banks
from ..banks.stored import write_whole
from .checkpoints import DamagedCheckpointError, installed_versions, last_complete_checkpoint
from .interruption import StopCleanly
from .recipe import Recipe, RecipeError, make_curriculum, read_recipe, trainer_arguments
from .rewards import text_of
from .trainer import CurriculumGRPOTrainer, rows_of

__all__ = ["ENVIRONMENT_FILE", "RESOLVED_FILE", "banks_reward", "main", "make_trainer", "run_recipe"]

logger = logging.getLogger(__name__)

#: The recipe as it was resolved, in the folder of the run; a recipe again.
RESOLVED_FILE = "recipe.resolved.yaml"
#: Versions, machine and command of every start, in the folder of the run.
ENVIRONMENT_FILE = "environment.json"

_PACKAGES = (
    "curriculum-bandits", "torch", "trl", "transformers", "accelerate", "datasets", "peft", "reasoning-gym",
    "math-verify", "vllm", "deepspeed",
)  # fmt: skip
# Fields that may change when a run is continued: where it is written, what is logged, saved and evaluated, how it is
# served. All others change what is learned.
_MAY_CHANGE = (
    "output_dir", "resume_from_checkpoint", "overwrite_run", "prepare_only", "bank_cache", "run_name", "report_to",
    "project", "trackio_space_id", "disable_tqdm", "hub_", "push_to_hub", "log", "save_", "eval_", "num_eval",
    "per_device_eval", "dataloader_", "ddp_", "local_rank", "vllm_server", "vllm_gpu_memory", "logging_",
    "ignore_data_skip", "do_",
)  # fmt: skip
_MATTERS = ("eval_bank", "eval_bank_settings")


def main(words: Sequence[str]) -> int:
    """Run the words after ``llm``; the exit status is that of every command, see `curriculum_bandits.exit_status`."""

    def act() -> None:
        try:
            run_recipe(read_recipe(words), words)
        except (RecipeError, DamagedCheckpointError, OSError):
            raise  # the message says all
        except Exception:
            traceback.print_exc()  # of a model, a reward or a device: where it happened matters
            raise

    return ended("curriculum-bandits llm", act)


def run_recipe(recipe: Recipe, words: Sequence[str] = ()) -> CurriculumGRPOTrainer | None:
    """Train as a recipe says, from the last complete checkpoint if there is one.

    Args:
        recipe: What to run.
        words: The command line, to be written down.

    Returns:
        The trainer, with the trained model; None where only the banks were to be generated.

    Raises:
        RecipeError: If the folder holds another run, or the recipe cannot be run.
        DamagedCheckpointError: If the checkpoint is damaged.
    """
    training, folder = recipe.training, Path(str(recipe.training.output_dir))
    first = training.process_index == 0
    try:
        if first and not recipe.curriculum.prepare_only:
            _check_folder(folder, recipe)
        banks = build_banks(
            recipe.curriculum.bank_spec,
            recipe.curriculum.eval_spec,
            recipe.curriculum.bank_cache,
            progress=first and not training.disable_tqdm,
            wait=training.local_process_index != 0,
        )
        _check_sizes(recipe, banks)
    except (ValueError, OSError) as error:
        raise RecipeError(str(error)) from error
    if recipe.curriculum.prepare_only:
        return None
    trainer = make_trainer(recipe, banks)
    checkpoint = training.resume_from_checkpoint or last_complete_checkpoint(str(folder))
    if trainer.accelerator.is_main_process:
        if recipe.curriculum.overwrite_run:
            _clear(folder)
        _write_down(folder, recipe, banks, words)
    trainer.accelerator.wait_for_everyone()
    if recipe.curriculum.overwrite_run:
        checkpoint = None
    if checkpoint is not None:
        logger.warning("continuing from %s", checkpoint)
    stop = StopCleanly()
    trainer.add_callback(stop)
    trainer.train(resume_from_checkpoint=checkpoint)
    if not stop.stopped:
        trainer.save_model(str(folder))
        if training.push_to_hub:
            trainer.push_to_hub()
    return trainer


def make_trainer(recipe: Recipe, banks: Banks) -> CurriculumGRPOTrainer:
    """The trainer of a recipe on its banks; loads the model.

    Raises:
        RecipeError: If the model or the curriculum cannot be made.
    """
    ours, training, model = recipe.curriculum, recipe.training, recipe.model
    # As TRL's own script does; what the recipe says in model_init_kwargs wins.
    training.model_init_kwargs = {
        "revision": model.model_revision,
        "attn_implementation": model.attn_implementation,
        "dtype": model.dtype,
        "trust_remote_code": getattr(training, "trust_remote_code", getattr(model, "trust_remote_code", False)),
        **(training.model_init_kwargs or {}),
    }
    # Only the main process asks, so elsewhere the curator's language model stays out of the device's memory.
    asks = training.process_index == 0 or bool(ours.named.settings.get("collective"))
    device = training.device if asks else None
    curriculum = make_curriculum(ours, banks.train, seed=training.seed, device=device)
    rewards = [banks_reward(banks) if function is None else function for function in ours.rewards]
    if training.reward_weights is not None and len(training.reward_weights) != len(rewards):
        raise RecipeError(
            f"reward_weights has {len(training.reward_weights)} numbers for {len(rewards)} reward functions; give one "
            "for each"
        )
    evaluation = banks.evaluation
    quantization = get_quantization_config(model)
    arguments: dict[str, Any] = {} if quantization is None else {"quantization_config": quantization}
    try:
        return CurriculumGRPOTrainer(
            model.model_name_or_path,
            rewards,
            training,
            curriculum=curriculum,
            **trainer_arguments(ours.named),
            eval_dataset=None if evaluation is None else rows_of(evaluation),
            peft_config=get_peft_config(model),
            **arguments,
        )
    except (ValueError, OSError) as error:
        raise RecipeError(str(error)) from error


def banks_reward(banks: Banks) -> Any:
    """The reward function of the banks' verifiers, called ``accuracy`` in TRL's logs.

    Rows are recognised by their ``id``. It also logs the accuracy of each group of the held-out problems,
    ``accuracy/GROUP``, where the version of TRL has metrics of reward functions.
    """
    evaluation = banks.evaluation
    held_out = set() if evaluation is None else set(evaluation.ids)
    grouped = evaluation is not None and evaluation.groups is not None

    def accuracy(completions: Sequence[Any], id: Sequence[str], **columns: Any) -> list[float]:
        texts = [text_of(completion) for completion in completions]
        rewards = [banks.verify(identity, text) for identity, text in zip(id, texts, strict=True)]
        log = columns.get("log_metric")
        if log is not None and grouped and id[0] in held_out:
            for reward, group in zip(rewards, columns.get("group", ()), strict=True):
                log(f"accuracy/{group}", reward)
        return rewards

    return accuracy


def _check_sizes(recipe: Recipe, banks: Banks) -> None:
    if not recipe.curriculum.prepare_only and len(banks.train) < recipe.prompts_per_batch:
        raise RecipeError(
            f"one generation batch takes {recipe.prompts_per_batch} problems, the bank has {len(banks.train)}; give "
            "more problems (bank_settings size=...) or lower generation_batch_size"
        )
    if recipe.training.eval_strategy != "no" and banks.evaluation is None:
        raise RecipeError(
            f"eval_strategy is {recipe.training.eval_strategy!s} but no eval_bank is given; held_out is one"
        )


def _check_folder(folder: Path, recipe: Recipe) -> None:
    """Refuse a folder that holds another run."""
    if folder.exists() and not folder.is_dir():
        raise RecipeError(f"output_dir is {str(folder)!r}, which is a file; give a folder")
    if recipe.curriculum.overwrite_run or not (folder / RESOLVED_FILE).is_file():
        return
    try:
        before = yaml.safe_load((folder / RESOLVED_FILE).read_text(encoding="utf-8"))
    except yaml.YAMLError:
        before = None
    if not isinstance(before, Mapping):
        raise RecipeError(f"{folder / RESOLVED_FILE} is damaged; give another output_dir, or --overwrite_run true")
    changed = [
        f"{name} {before.get(name)!r}, now {value!r}"
        for name, value in recipe.resolved.items()
        if before.get(name) != value and not _may_change(name, recipe)
    ]
    if changed:
        raise RecipeError(
            f"{folder} holds a run with another recipe ({'; '.join(changed)}); give another output_dir, the fields as "
            "they were, or --overwrite_run true to start anew"
        )


def _may_change(name: str, recipe: Recipe) -> bool:
    if name in ("max_steps", "num_train_epochs"):
        # Without a schedule that plans for them, a longer run begins as the shorter one did.
        return str(recipe.resolved["lr_scheduler_type"]).startswith("constant")
    return name.startswith(_MAY_CHANGE) and name not in _MATTERS


def _clear(folder: Path) -> None:
    """Remove what an earlier run left that a new one would continue from."""
    for checkpoint in folder.glob(f"{PREFIX_CHECKPOINT_DIR}-*"):
        shutil.rmtree(checkpoint)
    for name in (RECORD_FILE, RESOLVED_FILE, ENVIRONMENT_FILE):
        (folder / name).unlink(missing_ok=True)


def _write_down(folder: Path, recipe: Recipe, banks: Banks, words: Sequence[str]) -> None:
    """Store the recipe, and what it ran on this time, each whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    resolved = {**recipe.resolved, "overwrite_run": False, "resume_from_checkpoint": None}
    write_whole(folder / RESOLVED_FILE, yaml.safe_dump(resolved, sort_keys=False, allow_unicode=True))
    path = folder / ENVIRONMENT_FILE
    starts = []
    if path.is_file():
        try:
            starts = list(json.loads(path.read_text(encoding="utf-8"))["starts"])
        except (ValueError, KeyError, TypeError):
            logger.warning("%s was damaged and is written anew", path)
    if starts and starts[-1].get("bank") not in (None, banks.train.fingerprint):
        raise RecipeError(f"{folder} holds a run on another bank; give another output_dir, or --overwrite_run true")
    if starts and starts[-1].get("processes") not in (None, recipe.training.world_size):
        logger.warning(
            "the run was started on %s processes and goes on on %d: updates are of another size unless "
            "gradient_accumulation_steps makes up for it",
            starts[-1]["processes"],
            recipe.training.world_size,
        )
    start = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "command": shlex.join(["curriculum-bandits", "llm", *words]),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "versions": installed_versions(_PACKAGES),
        "processes": recipe.training.world_size,
        "device": str(recipe.training.device),
        "seeds": {"seed": recipe.training.seed, "data_seed": recipe.training.data_seed},
        "bank": banks.train.fingerprint,
        "problems": len(banks.train),
        "eval_bank": None if banks.evaluation is None else banks.evaluation.fingerprint,
        "eval_problems": None if banks.evaluation is None else len(banks.evaluation),
    }
    write_whole(path, json.dumps({"starts": [*starts, start]}, indent=1) + "\n")
