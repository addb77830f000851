"""The neural curator's constructor: presets, what is read by default, and what it says when something is missing."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
import transformers
from transformers import Qwen2Config, Qwen2Model

from curriculum_bandits import ProblemBank, methods
from curriculum_bandits.neural import (
    DEFAULT,
    PAPER,
    FeatureRows,
    LinearScorer,
    MlpScorer,
    PromptTokens,
    TransformerScorer,
)
from curriculum_bandits.sampling.candidates import ShuffledCandidates, UniformCandidates
from curriculum_bandits.signals import policy_improvement, reward_variance, success_rate


def a_bank(**changes):
    return ProblemBank([f"{a}+{b}=" for a in range(6) for b in range(6)], **changes)


class OneToken:
    """A tokenizer of one token per prompt."""

    pad_token_id = eos_token_id = 0
    chat_template = None
    truncation_side = "right"

    def __call__(self, texts, **settings):
        return {"input_ids": [[len(text) % 5] for text in texts]}


def a_transformer(**options):
    with torch.random.fork_rng():
        config = Qwen2Config(vocab_size=8, hidden_size=8, intermediate_size=8, num_hidden_layers=1,
                             num_attention_heads=2, num_key_value_heads=2)  # fmt: skip
        return TransformerScorer(Qwen2Model(config), **options)


def test_the_default_reads_the_features_of_the_bank():
    features = np.random.default_rng(0).normal(size=(36, 5))
    curriculum = methods.actor_curator(a_bank(features=features, groups=["a", "b"] * 18), seed=3)
    curator = curriculum.bandit
    assert curriculum.name == "actor_curator"
    assert curator.settings is DEFAULT
    assert isinstance(curator.scorer, MlpScorer)
    assert curator.scorer.heads == (2 if DEFAULT.baseline == "predicted" else 1)
    rows = curator.inputs(np.arange(36), torch.device("cpu")).numpy()
    standardised = (features - features.mean(axis=0)) / features.std(axis=0)
    np.testing.assert_allclose(rows, standardised, atol=5e-3)
    assert isinstance(curator.proposal, ShuffledCandidates)
    assert {"coverage/a", "coverage/b"} <= set(curriculum.diagnostics())
    assert not curriculum.collective
    assert curriculum._signal is reward_variance


def test_difficulty_is_read_beside_the_features_but_not_by_a_scorer_of_ones_own():
    features, difficulty = np.random.default_rng(0).normal(size=(36, 5)), np.arange(36.0) * 100
    curator = methods.actor_curator(a_bank(features=features, difficulty=difficulty)).bandit
    rows = curator.inputs(np.array([0, 35, 17]), torch.device("cpu")).numpy()
    assert rows.shape == (3, 6)
    np.testing.assert_allclose(rows[:, 5], (difficulty[[0, 35, 17]] - 1750) / difficulty.std(), atol=5e-3)
    own = methods.actor_curator(a_bank(features=features, difficulty=difficulty), scorer=MlpScorer(5)).bandit
    assert own.inputs(np.arange(3), torch.device("cpu")).shape == (3, 5)
    of_text = [methods.actor_curator(bank).bandit.inputs.columns for bank in (a_bank(), a_bank(difficulty=difficulty))]
    assert of_text[1] == of_text[0] + 1


def test_without_features_it_reads_the_text():
    curator = methods.actor_curator(a_bank()).bandit
    assert isinstance(curator.inputs, FeatureRows)
    rows = curator.inputs(np.arange(36), torch.device("cpu"))
    assert len(set(map(tuple, rows.tolist()))) > 30  # problems differ in it
    assert "coverage/a" not in methods.actor_curator(a_bank()).diagnostics()


def test_text_is_read_by_one_small_layer_and_features_by_two():
    def widths(**changes):
        return [weight.shape[-1] for weight in methods.actor_curator(a_bank(**changes)).bandit.scorer.weights]

    assert widths() == [32, 2]
    assert widths(features=np.eye(36)) == [64, 64, 2]


def test_the_seed_decides_network_and_draws():
    def seen(seed):
        curriculum = methods.actor_curator(a_bank(), seed=seed)
        return curriculum.ask(8).items.tolist(), curriculum.bandit.scorer.weights[0].tolist()

    assert seen(1) == seen(1)
    assert seen(1)[0] != seen(2)[0]
    assert seen(1)[1] != seen(2)[1]


def test_the_seed_does_not_decide_the_features():
    # They are no part of a saved state, which may be loaded into a curriculum that was made with another seed.
    one, other = (methods.actor_curator(a_bank(), seed=seed).bandit for seed in (1, 2))
    rows = [curator.inputs(np.arange(36), torch.device("cpu")) for curator in (one, other)]
    assert torch.equal(*rows)


def test_what_is_given_is_used():
    proposal, settings = UniformCandidates(36), replace(DEFAULT, candidates=10, baseline="predicted")
    assert (
        methods.actor_curator(a_bank(features=np.eye(36)), "paper", scorer=MlpScorer(36))._signal is policy_improvement
    )
    given = methods.actor_curator(
        a_bank(), settings=settings, proposal=proposal, signal=success_rate, collective=True, device="cpu"
    )
    assert given.bandit.proposal is proposal
    assert given.bandit.settings is settings
    assert given.bandit.scorer.heads == 2
    assert given._signal is success_rate
    assert given.collective
    features = np.random.default_rng(0).normal(size=(36, 5))
    scorer = LinearScorer(5)
    assert methods.actor_curator(a_bank(features=features), scorer=scorer).bandit.scorer is scorer


def test_a_utility_that_is_told_reaches_the_network():
    curriculum = methods.actor_curator(a_bank(), seed=0)
    before = curriculum.bandit.scorer.weights[-1].clone()
    draw = curriculum.ask(8)
    curriculum.tell(draw, np.linspace(-1.0, 1.0, 8))
    assert not torch.equal(before, curriculum.bandit.scorer.weights[-1])


def test_the_papers_preset_loads_the_papers_scorer(monkeypatch):
    asked = []

    def scorer(cls, name, **options):
        asked.append((name, options))
        return a_transformer(**{key: value for key, value in options.items() if key != "dtype"})

    def tokenizer(name):
        asked.append(name)
        return OneToken()

    monkeypatch.setattr(TransformerScorer, "from_pretrained", classmethod(scorer))
    monkeypatch.setattr(transformers.AutoTokenizer, "from_pretrained", tokenizer)
    curriculum = methods.actor_curator(a_bank(), "paper", seed=4)
    (name, options), tokens = asked
    assert (name, tokens) == ("Qwen/Qwen3-0.6B", "Qwen/Qwen3-0.6B")
    assert options.get("head_init") == "normal"
    assert options.get("lora") is None
    assert not options.get("freeze", False)
    assert options.get("dtype", torch.float32) == torch.float32  # a step of 1e-6 would be lost in bfloat16
    assert repr(curriculum) == 'actor_curator(bank, preset="paper", seed=4)'
    assert curriculum.bandit.settings is PAPER
    assert isinstance(curriculum.bandit.inputs, PromptTokens)
    assert all(parameter.requires_grad for parameter in curriculum.bandit.scorer.parameters())
    for _ in range(3):
        draw = curriculum.ask(4)
        assert draw.candidate_probability is None  # it is dormant
        curriculum.tell(draw, np.ones(4))


def test_the_papers_preset_takes_another_scorer():
    curriculum = methods.actor_curator(a_bank(features=np.eye(36)[:, :12]), "paper", scorer=MlpScorer(12))
    assert curriculum.bandit.settings is PAPER
    assert isinstance(curriculum.bandit.scorer, MlpScorer)


def test_an_unknown_preset_is_refused():
    with pytest.raises(ValueError, match="preset='papre' is unknown; choose 'default' or 'paper'"):
        methods.actor_curator(a_bank(), "papre")


def test_tokens_need_a_scorer_that_reads_them():
    tokens = PromptTokens(a_bank(), OneToken())
    with pytest.raises(ValueError, match="give the scorer that reads them"):
        methods.actor_curator(a_bank(), inputs=tokens)
    curriculum = methods.actor_curator(a_bank(), inputs=tokens, scorer=a_transformer())
    curriculum.tell(curriculum.ask(4), np.ones(4))


def test_a_scorer_of_tokens_without_inputs_is_refused():
    with pytest.raises(ValueError, match=r"give inputs=PromptTokens\(bank, tokenizer\)"):
        methods.actor_curator(a_bank(), scorer=a_transformer())


def test_without_torch_there_is_one_clear_line():
    program = (
        "import sys; sys.modules['torch'] = None\n"
        "from curriculum_bandits import ProblemBank, methods\n"
        "methods.uniform(ProblemBank(['a', 'b'])).ask(1)\n"  # the rest works without
        "methods.actor_curator(ProblemBank(['a', 'b']))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert last.endswith("torch is not installed; run: pip install 'curriculum-bandits[neural]'")
