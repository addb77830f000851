"""A real GRPOTrainer small enough for a test: a random character model of a few thousand weights on sums."""

from functools import partial

import pytest

pytest.importorskip("trl")

from curriculum_bandits import ProblemBank, methods
from curriculum_bandits.adapters.trl import CurriculumGRPOTrainer
from curriculum_bandits.adapters.trl.tiny import tiny_config, tiny_model, tiny_tokenizer

GENERATIONS = 4


def make_model(**config):
    return tiny_model(tiny_tokenizer(), hidden=32, layers=1, heads=2, **{"tie_word_embeddings": False, **config})


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
        "num_generations": GENERATIONS,
        "per_device_train_batch_size": 8,
        "max_completion_length": 5,
        "max_steps": 4,
        "learning_rate": 1e-2,
        "seed": 3,
    }
    arguments = {} if callbacks is None else {"callbacks": callbacks}
    arguments |= {"refills": config.pop("refills")} if "refills" in config else {}
    return CurriculumGRPOTrainer(
        make_model() if model is None else model,
        reward_funcs,
        tiny_config(folder, **{**defaults, **config}),
        train_dataset,
        curriculum=methods.osmd(make_bank(), seed=5) if curriculum is None else curriculum,
        processing_class=tiny_tokenizer(),
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
