"""A real GRPOTrainer small enough for a test: a random character model of a few thousand weights on sums."""

from functools import partial

import pytest

pytest.importorskip("trl")

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM
from trl import GRPOConfig

from curriculum_bandits import ProblemBank, methods
from curriculum_bandits.adapters.trl import CurriculumGRPOTrainer

ALPHABET = "0123456789+="
GENERATIONS = 4


def make_tokenizer():
    vocabulary = {token: i for i, token in enumerate(["<pad>", "<end>", "<unk>", *ALPHABET])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    tokenizer.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<end>", unk_token="<unk>", padding_side="left"
    )


def make_model(**config):
    torch.manual_seed(0)
    settings = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
    return Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=3 + len(ALPHABET),
            num_key_value_heads=2,
            max_position_embeddings=64,
            bos_token_id=None,
            eos_token_id=1,
            pad_token_id=0,
            **{**settings, **config},
        )
    )


def make_bank(size=24):
    sums = [(a, b) for a in range(1, 10) for b in range(1, 10)][:size]
    return ProblemBank(
        [f"{a}+{b}=" for a, b in sums],
        ids=[f"sum-{a}-{b}" for a, b in sums],
        answers=[str(a + b) for a, b in sums],
        groups=["small" if a + b < 8 else "large" for a, b in sums],
    )


def short_digits(completions, **columns):
    """A dense reward, so that groups differ and a random model has something to learn."""
    return [float(len(text) % 3) + 0.1 * text.count("1") for text in completions]


def build_trainer(
    folder, *, curriculum=None, model=None, reward_funcs=short_digits, train_dataset=None, callbacks=None, **config
):
    """A trainer that writes to a folder; further arguments override the small defaults of GRPOConfig."""
    defaults = {
        "output_dir": str(folder),
        "use_cpu": True,
        "bf16": False,
        "gradient_checkpointing": False,
        "report_to": "none",
        "disable_tqdm": True,
        "num_generations": GENERATIONS,
        "per_device_train_batch_size": 8,
        "gradient_accumulation_steps": 1,
        "max_completion_length": 5,
        "max_steps": 4,
        "learning_rate": 1e-2,
        "lr_scheduler_type": "constant",
        "logging_steps": 1,
        "save_strategy": "no",
        "seed": 3,
    }
    arguments = {} if callbacks is None else {"callbacks": callbacks}
    arguments |= {"refills": config.pop("refills")} if "refills" in config else {}
    return CurriculumGRPOTrainer(
        make_model() if model is None else model,
        reward_funcs,
        GRPOConfig(**{**defaults, **config}),
        train_dataset,
        curriculum=methods.osmd(make_bank(), seed=5) if curriculum is None else curriculum,
        processing_class=make_tokenizer(),
        **arguments,
    )


@pytest.fixture
def make_trainer(tmp_path):
    return partial(build_trainer, tmp_path / "run")


class Witness:
    """Watches a curriculum: every draw, every batch of rollouts, every answer."""

    def __init__(self, curriculum):
        self.draws, self.rollouts, self.feedbacks = [], [], []
        ask, signal, tell = curriculum.ask, curriculum.signal, curriculum.tell

        def watched_ask(size):
            self.draws.append(ask(size))
            return self.draws[-1]

        def watched_signal(rollouts):
            self.rollouts.append(rollouts)
            return signal(rollouts)

        def watched_tell(draw, feedback):
            tell(draw, feedback)
            self.feedbacks.append((draw, feedback))

        curriculum.ask, curriculum.signal, curriculum.tell = watched_ask, watched_signal, watched_tell
