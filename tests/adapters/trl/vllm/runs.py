"""The same training twice: with vLLM writing the completions, and with those completions given to TRL alone.

Both start from the same model and the same curriculum. The learning rate is 0 in the last steps, where nothing may
appear to improve.
"""

import copy
import functools
import os
import tempfile
import time
from contextlib import contextmanager

import numpy as np
import torch
from transformers import PrinterCallback

from curriculum_bandits import methods
from curriculum_bandits.adapters.trl import CurriculumGRPOTrainer
from curriculum_bandits.adapters.trl.tiny import tiny_config
from curriculum_bandits.benchmarks.llm.banks import headline_banks
from curriculum_bandits.benchmarks.llm.setting import SETTINGS
from curriculum_bandits.benchmarks.llm.warm_up import WarmUp, quiet_transformers, warmed_up_model

from .checks import Answer, Observed

BANK = SETTINGS["arithmetic"]
ENVIRONMENT = {
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "VLLM_CPU_KVCACHE_SPACE": "1",  # GiB
    "VLLM_LOGGING_LEVEL": "WARNING",
}


def start_of(settings, cache):
    """A tiny model in a folder, from which vLLM reads it, its tokenizer, and problems for it."""
    quiet_transformers()
    # Heads of 64, which vLLM's attention on a CPU can do.
    shape = WarmUp(hidden=128, feed_forward=256, heads=2, steps=settings.warm_up_steps)
    start = warmed_up_model(BANK.bank, cache, seed=settings.seed, settings=shape, held_out=BANK.held_out)
    bank, _ = headline_banks(BANK.bank, seed=settings.seed, training=BANK.training, held_out=BANK.held_out)
    return (*start, bank)


def run_with_engine(settings, model, tokenizer, bank):
    """What is observed while vLLM generates in the same process."""
    observed = Observed()
    with engine_for_a_cpu(observed):
        engine = {"use_vllm": True, "vllm_mode": "colocate", "vllm_max_model_length": 128}
        trainer = make_trainer(WithEngine, settings, model, tokenizer, bank, observed, **engine)
        trainer.start = copy.deepcopy(model).eval()
        for name in ("sync_weights", "generate"):
            call = getattr(trainer.vllm_generation, name)
            setattr(trainer.vllm_generation, name, timed(call, observed.seconds[name]))
        train(trainer)
    return observed


def run_again_without_engine(settings, model, tokenizer, bank, recorded):
    """What is observed without vLLM, on the completions that it wrote."""
    observed = Observed()
    trainer = make_trainer(Again, settings, model, tokenizer, bank, observed)
    trainer.recorded = recorded
    train(trainer)
    return observed


@contextmanager
def engine_for_a_cpu(observed):
    """Let TRL start vLLM in float32, without compiled graphs and without packed weights.

    The CPU build packs the weights of every linear layer once and for all when it starts, so the first weight
    synchronisation of TRL fails there. On a GPU nothing is packed and nothing here is needed: this replacement is for
    the check alone, and is undone when it is over.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    from trl.generation import vllm_generation

    from vllm.model_executor.layers import utils

    def plain_linear(layer, remove_weight):
        layer.cpu_linear = torch.nn.functional.linear  # by the weight as it is now, every time

    start, packed = vllm_generation.LLM, utils.dispatch_cpu_unquantized_gemm
    fit = functools.partial(start, dtype="float32", enforce_eager=True)
    vllm_generation.LLM = functools.wraps(start)(timed(fit, observed.seconds["engine_start"]))
    utils.dispatch_cpu_unquantized_gemm = plain_linear
    try:
        yield
    finally:
        vllm_generation.LLM, utils.dispatch_cpu_unquantized_gemm = start, packed


class Watched(CurriculumGRPOTrainer):
    """Notes what the curriculum hears."""

    def watch(self, observed):
        self.observed = observed
        signal, tell = self.curriculum.signal, self.curriculum.tell
        last = []

        def watched_signal(rollouts):
            last[:] = [rollouts]
            return signal(rollouts)

        def watched_tell(draw, feedback):
            tell(draw, feedback)
            (rollouts,) = last
            utility = np.where(feedback.answered, feedback.values, np.nan)
            largest = float(np.abs(rollouts.log_ratio).max())
            observed.answers.append(Answer(np.array(draw.items), utility, rollouts.rewards, largest))

        self.curriculum.signal, self.curriculum.tell = watched_signal, watched_tell


class WithEngine(Watched):
    """Notes what vLLM wrote, and how likely it and the trainer think that is."""

    def _generate_single_turn(self, prompt_ids, *arguments, **options):
        result = super()._generate_single_turn(prompt_ids, *arguments, **options)
        self.observed.prompts.append([list(ids) for ids in prompt_ids])
        self.observed.completions.append([list(ids) for ids in result[0]])
        return result

    def _generate_and_score_completions(self, inputs):
        output = super()._generate_and_score_completions(inputs)
        mask = output["completion_mask"].bool()
        of_engine, of_trainer = output["sampling_per_token_logps"], output["old_per_token_logps"]
        log_ratio = ((of_trainer - of_engine) * mask).double().sum(dim=1)
        self.observed.ratio.append(float(log_ratio.exp().mean()))
        self.observed.difference.append(float((of_engine - of_trainer)[mask].abs().mean()))
        of_start = plain_logps(self.start, output)
        self.observed.difference_from_start.append(float((of_engine - of_start)[mask].abs().mean()))
        return output


class Again(Watched):
    """Is given the completions instead of generating them."""

    def _generate_single_turn(self, prompt_ids, *arguments, **options):
        step = len(self.observed.answers)
        if [list(ids) for ids in prompt_ids] != self.recorded.prompts[step]:
            raise RuntimeError(f"step {step + 1} draws other problems without vLLM than with it: no comparison")
        return [list(ids) for ids in self.recorded.completions[step]], None


def plain_logps(model, output):
    """Log-probability of each completion token by a plain forward pass, shape (rows, tokens)."""
    tokens = torch.cat([output["prompt_ids"], output["completion_ids"]], dim=1)
    mask = torch.cat([output["prompt_mask"], output["completion_mask"]], dim=1)
    length = output["completion_ids"].size(1)
    with torch.no_grad():
        logits = model(input_ids=tokens, attention_mask=mask).logits[:, -length - 1 : -1]
    return logits.log_softmax(dim=-1).gather(-1, output["completion_ids"].unsqueeze(-1)).squeeze(-1)


def timed(call, seconds):
    def timed_call(*arguments, **options):
        began = time.perf_counter()
        result = call(*arguments, **options)
        seconds.append(time.perf_counter() - began)
        return result

    return timed_call


def make_trainer(kind, settings, model, tokenizer, bank, observed, **engine):
    trained = copy.deepcopy(model)
    optimizer = torch.optim.AdamW(trained.parameters(), lr=settings.learning_rate, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: float(step < settings.steps))
    config = tiny_config(
        tempfile.mkdtemp(prefix="vllm-check-"),
        max_steps=settings.steps + settings.still_steps,
        per_device_train_batch_size=settings.problems * settings.n_rollouts,
        num_generations=settings.n_rollouts,
        max_completion_length=BANK.max_completion,
        seed=settings.seed,
        **engine,
    )
    curriculum = methods.osmd(bank, seed=settings.seed)
    options = {"processing_class": tokenizer, "optimizers": (optimizer, schedule)}
    trainer = kind(trained, None, config, curriculum=curriculum, **options)
    trainer.remove_callback(PrinterCallback)
    trainer.watch(observed)
    return trainer


def train(trainer):
    trainer.train()
    for row in trainer.state.log_history:
        if "curriculum/step_share" in row:
            parts = {part: row[f"curriculum/seconds/{part}"] for part in ("ask", "tell", "rescore")}
            parts["step"] = sum(parts.values()) / row["curriculum/step_share"]
            for part, value in parts.items():
                trainer.observed.seconds[part].append(value)
