"""Features from hidden states: what a loop over single prompts gives, whatever the batches, padding and settings."""

import copy
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("transformers", reason="the llm extra is not installed")

import torch
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertModel,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
    T5Config,
    T5ForConditionalGeneration,
)

from curriculum_bandits import ProblemBank
from curriculum_bandits.neural.features import hidden_state_features

ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789+-=? \n<>"
PROMPTS = ["1+1=", "what is 12-7?", "a", "99+100=", "a long question about nothing at all", "x=?", "aa", "bb"]
WIDTH = 16


def a_tokenizer(*, special=False, padding_side="left"):
    """A token per character; with [CLS] and [SEP] around for an encoder."""
    names = ["<pad>", "<end>", "<unk>", "<cls>", "<sep>"]
    vocabulary = {token: index for index, token in enumerate([*names, *ALPHABET])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    if special:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<cls> $A <sep>", special_tokens=[("<cls>", 3), ("<sep>", 4)]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<end>", unk_token="<unk>", padding_side=padding_side
    )


def seeded(build):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return build()


def a_decoder():
    config = Qwen2Config(
        vocab_size=64,
        hidden_size=WIDTH,
        intermediate_size=32,
        num_hidden_layers=3,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=64,
        attention_dropout=0.3,  # must be off
        initializer_range=0.3,
        pad_token_id=0,
    )
    return seeded(lambda: Qwen2ForCausalLM(config))


def an_encoder():
    config = BertConfig(
        vocab_size=64,
        hidden_size=WIDTH,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=64,
        initializer_range=0.3,
    )
    return seeded(lambda: BertModel(config))


def an_encoder_decoder():
    config = T5Config(
        vocab_size=64, d_model=WIDTH, d_kv=8, d_ff=32, num_layers=2, num_heads=2, decoder_start_token_id=0
    )
    return seeded(lambda: T5ForConditionalGeneration(config))


DECODER, ENCODER, ENCODER_DECODER = a_decoder(), an_encoder(), an_encoder_decoder()
CASES = {"decoder": (DECODER, False), "encoder": (ENCODER, True), "encoder-decoder": (ENCODER_DECODER, True)}


def raw(model=DECODER, tokenizer=None, prompts=PROMPTS, **changes):
    """Features before they are standardised."""
    bank = ProblemBank(prompts)
    tokenizer = tokenizer or a_tokenizer()
    return hidden_state_features(bank, model, tokenizer, progress=False, **changes).raw.astype(np.float64)


def by_hand(model, tokenizer, text, layer=-1, pooling="mean"):
    """One prompt without padding, all layers, token by token."""
    part = model.get_encoder() if model.config.is_encoder_decoder else model
    part.eval()
    ids = torch.tensor([tokenizer(text)["input_ids"]])
    with torch.no_grad():
        states = part(input_ids=ids, output_hidden_states=True).hidden_states[layer][0]
    rows = [state.double().numpy() for state in states]
    return rows[-1] if pooling == "last" else sum(rows) / len(rows)


def close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=2e-3, atol=2e-3)  # float16 has three digits


@pytest.mark.parametrize("pooling", ["mean", "last"])
@pytest.mark.parametrize("layer", [-1, 0, 1])
@pytest.mark.parametrize("case", CASES)
def test_a_row_is_what_a_loop_over_tokens_gives(case, layer, pooling):
    model, special = CASES[case]
    tokenizer = a_tokenizer(special=special)
    expected = np.stack([by_hand(model, tokenizer, prompt, layer, pooling) for prompt in PROMPTS])
    assert layer == 0 or np.ptp(expected, axis=0).min() > 0.01  # rows that differ, or nothing is tested
    close(raw(model, tokenizer, layer=layer, pooling=pooling, batch_size=3), expected)


@pytest.mark.parametrize("pooling", ["mean", "last"])
@pytest.mark.parametrize("case", CASES)
def test_batches_chunks_and_order_change_nothing(case, pooling):
    model, special = CASES[case]
    tokenizer = a_tokenizer(special=special)
    expected = raw(model, tokenizer, pooling=pooling, batch_size=1)
    close(raw(model, tokenizer, pooling=pooling, batch_size=8), expected)
    close(raw(model, tokenizer, pooling=pooling, batch_size=2, chunk=3), expected)
    close(raw(model, tokenizer, pooling=pooling, prompts=PROMPTS[::-1])[::-1], expected)


@pytest.mark.parametrize("pooling", ["mean", "last"])
def test_the_padding_side_changes_nothing(pooling):
    left, right = (a_tokenizer(padding_side=side) for side in ("left", "right"))
    np.testing.assert_array_equal(raw(tokenizer=left, pooling=pooling), raw(tokenizer=right, pooling=pooling))
    assert (left.padding_side, right.padding_side) == ("left", "right")


def test_a_tokenizer_without_padding_will_do():
    tokenizer = a_tokenizer()
    tokenizer.pad_token = None
    np.testing.assert_array_equal(raw(tokenizer=tokenizer), raw())


@pytest.mark.parametrize("side", ["left", "right"])
def test_of_a_long_prompt_the_end_is_read(side):
    tokenizer = a_tokenizer()
    tokenizer.truncation_side = side
    long, end = PROMPTS[4], PROMPTS[4][-5:]
    close(raw(prompts=[long, "a"], tokenizer=tokenizer, max_length=5), raw(prompts=[end, "a"]))
    assert tokenizer.truncation_side == side
    assert len(tokenizer(long)["input_ids"]) == len(long)


def test_an_encoder_keeps_its_special_tokens_when_a_prompt_is_cut():
    tokenizer = a_tokenizer(special=True)
    cut = raw(ENCODER, tokenizer, prompts=["abcdefgh", "a"], max_length=5)
    close(cut, raw(ENCODER, tokenizer, prompts=["fgh", "a"]))


TEMPLATE = "{% for m in messages %}<{{ m['content'] }}>{% endfor %}{% if add_generation_prompt %}={% endif %}"


def test_chat_messages_are_rendered_with_no_second_special_tokens():
    tokenizer, plain = a_tokenizer(special=True), a_tokenizer()
    tokenizer.chat_template = TEMPLATE
    chats = [[{"role": "user", "content": "1+1"}], [{"role": "user", "content": "12"}]]
    expected = [by_hand(ENCODER, plain, "<1+1>="), by_hand(ENCODER, tokenizer, "aa"), by_hand(ENCODER, plain, "<12>=")]
    close(raw(ENCODER, tokenizer, prompts=[chats[0], "aa", chats[1]]), expected)


def test_chat_messages_without_a_template_are_joined():
    chat = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "1+1"}]
    close(raw(prompts=[chat, "a"]), raw(prompts=["be brief\n1+1", "a"]))


def test_the_model_comes_back_as_it_was_part_by_part():
    model = copy.deepcopy(DECODER).train()
    model.model.layers[1].eval()
    modes = [module.training for module in model.modules()]
    first, again = raw(model), raw(model)
    np.testing.assert_array_equal(first, again)  # the dropout is off
    assert [module.training for module in model.modules()] == modes
    with pytest.raises(ValueError, match="layer is 9"):
        raw(model, layer=9)
    assert [module.training for module in model.modules()] == modes
    assert all(parameter.grad is None and parameter.requires_grad for parameter in model.parameters())


def test_a_model_of_half_precision_is_averaged_in_single():
    model = copy.deepcopy(DECODER).to(torch.bfloat16)
    close_enough = raw(model, prompts=["a" * 60, "b"])
    np.testing.assert_allclose(close_enough, raw(prompts=["a" * 60, "b"]), atol=0.1)


def test_a_head_is_not_computed(monkeypatch):
    model = copy.deepcopy(DECODER)
    monkeypatch.setattr(model, "lm_head", None)
    np.testing.assert_array_equal(raw(model), raw())


class OnlyAllLayers(torch.nn.Module):
    """A model that is not of transformers, and gives its states only when asked."""

    def __init__(self):
        super().__init__()
        self.embedding = seeded(lambda: torch.nn.Embedding(64, 4))

    def forward(self, input_ids, attention_mask, output_hidden_states=False):
        states = self.embedding(input_ids)
        return SimpleNamespace(hidden_states=(states, 2 * states) if output_hidden_states else None)


def test_any_module_that_returns_hidden_states_will_do():
    model = OnlyAllLayers()
    expected = [model.embedding.weight[[5, 6]].mean(dim=0).detach().numpy() * 2] * 2
    close(raw(model, prompts=["ab", "ba"]), expected)


def test_a_model_without_hidden_states_is_named():
    model = OnlyAllLayers()
    model.forward = lambda **_: SimpleNamespace(logits=None)
    with pytest.raises(ValueError, match="OnlyAllLayers returns no hidden states"):
        raw(model)


def test_a_stopped_file_goes_on_and_a_finished_one_asks_no_model(tmp_path, monkeypatch):
    path = tmp_path / "f.npy"
    model, expected = copy.deepcopy(DECODER), raw(chunk=3)
    original, calls = model.model.forward, 0

    def failing(*args, **named):
        nonlocal calls
        calls += 1
        if calls == 3:  # one for the width, one for the first chunk
            raise KeyboardInterrupt
        return original(*args, **named)

    with monkeypatch.context() as patch:
        patch.setattr(model.model, "forward", failing)
        with pytest.raises(KeyboardInterrupt):
            raw(model, path=path, chunk=3)
    assert '"done": 3' in (tmp_path / "f.npy.json").read_text()
    np.testing.assert_array_equal(raw(model, path=path, chunk=3), expected)
    monkeypatch.setattr(model.model, "forward", None)
    np.testing.assert_array_equal(raw(model, path=path, chunk=3), expected)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"layer": 1}, "layer is -1 there, 1 here"),
        ({"pooling": "last"}, "pooling is 'mean' there, 'last' here"),
        ({"max_length": 8}, "max_length is 1024 there, 8 here"),
        ({"model": ENCODER}, "model is "),
        ({"prompts": [*PROMPTS[:-1], "cc"]}, "bank is "),
        ({"tokenizer": "with a template"}, "tokenizer is "),
    ],
)
def test_a_file_of_other_features_is_refused(tmp_path, changes, message):
    raw(path=tmp_path / "f.npy")
    if "tokenizer" in changes:
        changes = {"tokenizer": a_tokenizer()}
        changes["tokenizer"].chat_template = TEMPLATE
    with pytest.raises(ValueError, match=message):
        raw(path=tmp_path / "f.npy", **changes)


def test_a_model_that_has_learnt_is_another_model(tmp_path):
    raw(path=tmp_path / "f.npy")
    learnt = copy.deepcopy(DECODER)
    with torch.no_grad():
        learnt.model.layers[2].mlp.up_proj.weight.add_(1e-4)
    with pytest.raises(ValueError, match="holds other features: model is"):
        raw(learnt, path=tmp_path / "f.npy")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pooling": "max"}, "pooling is 'max'"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"max_length": 0}, "max_length is 0"),
        ({"layer": 4}, "layer is 4, but the model has the layers 0 to 3"),
        ({"layer": -5}, "layer is -5, but the model has the layers 0 to 3"),
        ({"prompts": ["a", "b", ""]}, "problem 2 has no token, its text is ''"),
    ],
)
def test_what_cannot_be_computed_is_named(changes, message):
    with pytest.raises(ValueError, match=message):
        raw(**changes)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_the_model_is_moved_for_the_computation_only():
    close(raw(copy.deepcopy(DECODER), device="cuda"), raw())
    model = copy.deepcopy(DECODER)
    raw(model, device="cuda")
    assert next(model.parameters()).device.type == "cpu"
