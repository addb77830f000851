"""Tiny backbones built from a configuration: which token is read, in what type, and what a step changes."""

import pytest
import torch
from peft import LoraConfig
from transformers import (
    BertConfig,
    BertModel,
    OPTConfig,
    OPTModel,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen2Model,
    RobertaConfig,
    RobertaModel,
)

from curriculum_bandits.neural.inputs import Tokens
from curriculum_bandits.neural.scorers import TransformerScorer

VOCABULARY, PADDING = 40, 1
SHAPE = {
    "vocab_size": VOCABULARY,
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "max_position_embeddings": 32,
    "pad_token_id": PADDING,
    "initializer_range": 0.2,
}


def built(model, config):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return model(config).eval()


def qwen(model=Qwen2Model, **changes):
    return built(model, Qwen2Config(**{**SHAPE, "num_key_value_heads": 2, **changes}))


def bert():
    return built(BertModel, BertConfig(**SHAPE))


def roberta():
    return built(RobertaModel, RobertaConfig(**SHAPE))


def opt():  # its layers apply dropout themselves, not by a module
    shape = {**SHAPE, "ffn_dim": 32, "word_embed_proj_dim": 16, "init_std": 0.2}
    return built(OPTModel, OPTConfig(**shape, dropout=0.5))


def scorer(backbone=None, **options):
    options = {"head_init": "normal", **options}
    return TransformerScorer(qwen() if backbone is None else backbone, **options).eval()


def prompts(lengths=(5, 2, 9, 1)):
    generator = torch.Generator().manual_seed(3)
    return [torch.randint(2, VOCABULARY, (length,), generator=generator) for length in lengths]


def padded(rows, side):
    longest = max(map(len, rows))
    ids = torch.full((len(rows), longest), PADDING)
    mask = torch.zeros(len(rows), longest, dtype=torch.int64)
    for place, row in enumerate(rows):
        where = slice(0, len(row)) if side == "right" else slice(longest - len(row), longest)
        ids[place, where] = row
        mask[place, where] = 1
    return Tokens(ids, mask)


# What is read


@pytest.mark.parametrize("backbone", [qwen, bert, roberta, opt])
def test_scores_do_not_depend_on_the_side_of_the_padding_nor_on_the_rest_of_the_batch(backbone):
    network = scorer(backbone(), heads=2)
    rows = prompts()
    with torch.no_grad():
        right, left = (network(padded(rows, side)) for side in ("right", "left"))
        alone = torch.cat([network(padded([row], "right")) for row in rows])
    assert right.shape == (4, 2)
    assert right[:, 0].std() > 1e-3
    torch.testing.assert_close(left, right, rtol=0, atol=0)
    torch.testing.assert_close(alone, right, rtol=1e-4, atol=1e-5)


def test_the_head_reads_the_last_token_of_the_prompt():
    network = scorer(heads=2)
    (row,) = prompts([7])
    with torch.no_grad():
        state = network.backbone(input_ids=row[None]).last_hidden_state[0, -1]
        expected = network.weight @ state + network.bias
        torch.testing.assert_close(network(padded([row, *prompts([9])], "left"))[0], expected, rtol=1e-4, atol=1e-5)


def test_a_backbone_without_hidden_states_is_refused():
    with pytest.raises(ValueError, match=r"CausalLMOutput.* has no last_hidden_state"):
        scorer(qwen(Qwen2ForCausalLM))(padded(prompts(), "right"))


# How it starts


def test_a_zero_head_gives_equal_scores_and_a_normal_one_the_spread_of_the_backbone():
    tokens = padded(prompts(), "right")
    assert torch.equal(scorer(head_init="zero")(tokens), torch.zeros(4, 1))
    wide = qwen(hidden_size=400)
    assert scorer(wide, heads=2).weight.std().item() == pytest.approx(0.2, rel=0.1)


@pytest.mark.parametrize("lora", [None, 4])
def test_the_same_seed_gives_the_same_weights_and_global_randomness_is_left_alone(lora):
    backbones = qwen(), qwen()
    before = torch.get_rng_state()
    first, second = (scorer(backbone, lora=lora, seed=5) for backbone in backbones)
    first(padded(prompts(), "right"))
    assert torch.equal(torch.get_rng_state(), before)
    for mine, other in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(mine, other)
    third = scorer(qwen(), lora=lora, seed=6)
    assert not torch.equal(first.weight, third.weight)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_saved_backbone_is_loaded_in_the_type_asked_for(tmp_path, dtype):
    backbone = qwen()
    backbone.save_pretrained(tmp_path)
    before = torch.get_rng_state()
    loaded = TransformerScorer.from_pretrained(tmp_path, heads=2, freeze=True, dtype=dtype)
    assert torch.equal(torch.get_rng_state(), before)
    assert (loaded.heads, loaded.weight.dtype) == (2, torch.float32)
    for mine, other in zip(loaded.backbone.parameters(), backbone.parameters(), strict=True):
        assert torch.equal(mine, other.to(dtype))
        assert not mine.requires_grad


# Types


def test_a_bfloat16_backbone_gives_float32_scores_with_and_without_autocast():
    tokens = padded(prompts(), "right")
    exact = scorer()(tokens)
    rounded = scorer(qwen().to(torch.bfloat16))(tokens)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        autocast = scorer()(tokens)
        autocast_rounded = scorer(qwen().to(torch.bfloat16))(tokens)
    for scores in (rounded, autocast, autocast_rounded):
        assert scores.dtype == torch.float32
        torch.testing.assert_close(scores, exact, rtol=0.05, atol=0.05)
        assert not torch.equal(scores, scores.bfloat16().float())  # the head was not computed in bfloat16
    autocast.sum().backward()


# What is trained


def trained_and_changed(network):
    trained = {name for name, parameter in network.named_parameters() if parameter.requires_grad}
    before = {name: parameter.detach().clone() for name, parameter in network.named_parameters()}
    optimizer = torch.optim.SGD([p for p in network.parameters() if p.requires_grad], lr=0.1)
    for _ in range(2):  # adapters start with one factor at zero, so the other moves in the second step
        optimizer.zero_grad()
        (network(padded(prompts(), "right")) - 1).square().sum().backward()
        optimizer.step()
    return trained, {name for name, parameter in network.named_parameters() if not torch.equal(parameter, before[name])}


@pytest.mark.parametrize("lora", [4, LoraConfig(r=2, target_modules=["q_proj", "v_proj"])])
def test_adapters_and_head_alone_are_trained(lora):
    network = scorer(lora=lora)
    trained, changed = trained_and_changed(network)
    per_layer = 7 if lora == 4 else 2
    assert len(trained) == 2 * per_layer * 2 + 2
    assert all("lora_" in name or name in ("weight", "bias") for name in trained)
    assert changed == trained


def test_freezing_leaves_the_head_alone():
    trained, changed = trained_and_changed(scorer(freeze=True))
    assert trained == changed == {"weight", "bias"}


def test_everything_is_trained_by_default():
    network = scorer()
    trained, changed = trained_and_changed(network)
    assert trained == {name for name, _ in network.named_parameters()}
    assert changed > {"weight", "backbone.layers.0.mlp.up_proj.weight", "backbone.layers.1.self_attn.q_proj.weight"}


def test_impossible_options_are_named():
    with pytest.raises(ValueError, match="lora is 0"):
        scorer(lora=0)
    with pytest.raises(ValueError, match="lora and freeze"):
        scorer(lora=4, freeze=True)
    with pytest.raises(ValueError, match="head_init is 'random'"):
        scorer(head_init="random")


# Gradient checkpointing


def checkpointing(backbone):
    enable = getattr(backbone, "activation_checkpointing_enable", None)  # its name before transformers 5 is the other
    (enable or backbone.gradient_checkpointing_enable)()
    return backbone


def backward(network):
    calls = []
    hook = network.backbone.layers[0].mlp.register_forward_pre_hook(lambda *_: calls.append(1))
    network(padded(prompts(), "right")).square().sum().backward()
    hook.remove()
    return len(calls), {name: parameter.grad for name, parameter in network.named_parameters()}


def test_checkpointing_works_in_evaluation_mode_and_changes_no_gradient():
    plain, frugal = scorer(), scorer(checkpointing(qwen()))
    (once, expected), (twice, gradients) = backward(plain), backward(frugal)
    assert (once, twice) == (1, 2)
    torch.testing.assert_close(gradients, expected)
    assert not any(module.training for module in frugal.modules())


@pytest.mark.parametrize("backbone", [lambda: qwen(attention_dropout=0.5), bert, opt])
def test_checkpointing_turns_no_dropout_on(backbone):
    expected = scorer(backbone())(padded(prompts(), "right"))
    assert torch.equal(scorer(checkpointing(backbone()))(padded(prompts(), "right")), expected)


def test_adapters_are_trained_with_checkpointing():
    network = scorer(checkpointing(qwen()), lora=4)
    network(padded(prompts(), "right")).square().sum().backward()
    grads = [parameter.grad for name, parameter in network.named_parameters() if "lora_B" in name]
    assert all(grad is not None and grad.abs().max() > 0 for grad in grads)
