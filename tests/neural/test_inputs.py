"""Feature rows against the table they come from, and tokens against a tokenizer of one token per character."""

import numpy as np
import pytest
import torch
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from curriculum_bandits.bank import ProblemBank
from curriculum_bandits.neural.inputs import FeatureRows, PromptTokens, SideBySide

CPU = torch.device("cpu")
SPECIAL = ["<pad>", "<end>", "<unk>", "<start>"]
CHARACTERS = "abcdefgh"


class Table:
    def __init__(self, array):
        self.array = array
        self.columns = array.shape[1]

    def __len__(self):
        return len(self.array)

    def rows(self, items):
        return self.array[items]


def tokenizer(*, start=False, template=None, **special):
    vocabulary = {token: index for index, token in enumerate([*SPECIAL, *CHARACTERS])}
    characters = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    characters.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    if start:
        characters.post_processor = processors.TemplateProcessing(single="<start> $A", special_tokens=[("<start>", 3)])
    special = special or {"pad_token": "<pad>", "eos_token": "<end>"}
    fast = PreTrainedTokenizerFast(tokenizer_object=characters, unk_token="<unk>", padding_side="left", **special)
    fast.chat_template = template
    return fast


def code(text):
    return [len(SPECIAL) + CHARACTERS.index(character) for character in text]


# Feature rows


def test_rows_are_those_of_the_table_in_the_order_of_the_items():
    array = np.arange(12, dtype=np.float32).reshape(4, 3)
    inputs = FeatureRows(Table(array))
    assert (len(inputs), inputs.columns) == (4, 3)
    rows = inputs(np.array([2, 0, 2]), CPU)
    assert rows.dtype == torch.float32
    np.testing.assert_array_equal(rows.numpy(), array[[2, 0, 2]])


def test_rows_are_not_copied_where_they_can_be_shared():
    array = np.zeros((4, 3), dtype=np.float32)
    rows = FeatureRows(Table(array))(slice(0, 2), CPU)
    assert np.shares_memory(rows.numpy(), array)


@pytest.mark.filterwarnings("error")
def test_what_is_read_only_is_copied_and_what_has_another_type_is_converted():
    array = np.ones((4, 3), dtype=np.float32)
    array.flags.writeable = False
    assert not np.shares_memory(FeatureRows(Table(array))(slice(0, 2), CPU).numpy(), array)
    rows = FeatureRows(Table(np.ones((4, 3), dtype=np.float16)[:, ::-1]))(np.array([1]), CPU)
    assert rows.dtype == torch.float32
    assert rows.shape == (1, 3)


# Prompt tokens


@pytest.mark.parametrize("side", ["left", "right"])
def test_prompts_are_padded_on_the_right_and_keep_their_end_whatever_the_tokenizer_says(side):
    characters = tokenizer()
    characters.padding_side = characters.truncation_side = side
    inputs = PromptTokens(ProblemBank(["ab", "abcdefgh", "c"]), characters, max_length=3)
    tokens = inputs(np.array([2, 1, 0]), CPU)
    assert len(inputs) == 3
    assert tokens.ids.tolist() == [[*code("c"), 0, 0], code("fgh"), [*code("ab"), 0]]
    assert tokens.mask.tolist() == [[1, 0, 0], [1, 1, 1], [1, 1, 0]]
    assert tokens.ids.dtype == tokens.mask.dtype == torch.int64
    assert characters.padding_side == characters.truncation_side == side


def test_a_batch_is_as_wide_as_its_longest_prompt():
    inputs = PromptTokens(ProblemBank(["ab", "abcdefgh"]), tokenizer())
    assert inputs(np.array([0, 0]), CPU).ids.tolist() == [code("ab"), code("ab")]
    assert inputs(np.array([], dtype=np.int64), CPU).ids.shape == (0, 0)


@pytest.mark.parametrize(("special", "padding"), [({"eos_token": "<end>"}, 1), ({"bos_token": "<end>"}, 0)])
def test_a_tokenizer_without_a_padding_token_pads_with_the_end_or_zero(special, padding):
    tokens = PromptTokens(ProblemBank(["ab", "a"]), tokenizer(**special))(np.array([0, 1]), CPU)
    assert tokens.ids[1].tolist() == [*code("a"), padding]
    assert tokens.mask[1].tolist() == [1, 0]


def test_a_text_that_loses_its_beginning_keeps_its_special_token():
    tokens = PromptTokens(ProblemBank(["abcd"]), tokenizer(start=True), max_length=3)(np.array([0]), CPU)
    assert tokens.ids.tolist() == [[3, *code("cd")]]


def test_a_chat_template_writes_the_special_tokens_itself():
    template = "<start>{% for message in messages %}{{ message.content }}{% endfor %}{{ 'h' if add_generation_prompt }}"
    bank = ProblemBank([[{"role": "user", "content": "ab"}], "ab"])
    tokens = PromptTokens(bank, tokenizer(start=True, template=template, bos_token="<start>"))(np.array([0, 1]), CPU)
    assert tokens.ids.tolist() == [[3, *code("abh")], [3, *code("ab"), 0]]


def test_messages_without_a_template_are_joined():
    bank = ProblemBank([[{"role": "user", "content": "ab"}]])
    assert PromptTokens(bank, tokenizer(start=True))(np.array([0]), CPU).ids.tolist() == [[3, *code("ab")]]


def test_an_empty_prompt_and_a_length_of_nothing_are_refused():
    with pytest.raises(ValueError, match="prompt of problem 1 has no token"):
        PromptTokens(ProblemBank(["a", ""]), tokenizer())(np.array([0, 1]), CPU)
    with pytest.raises(ValueError, match="max_length is 0"):
        PromptTokens(ProblemBank(["a"]), tokenizer(), max_length=0)


def test_tables_side_by_side_are_one_table():
    one, other = np.arange(12.0).reshape(4, 3), np.arange(4.0)[:, None] * 10
    both = SideBySide(Table(one), Table(other.astype(np.float16)))
    assert (len(both), both.columns) == (4, 4)
    assert both.rows(np.array([2, 0])).tolist() == [[6.0, 7.0, 8.0, 20.0], [0.0, 1.0, 2.0, 0.0]]
    assert both.rows(np.array([1])).dtype == np.float32
    for tables in ((), (Table(one), Table(other[:3]))):
        with pytest.raises(ValueError, match="rows; give at least one"):
            SideBySide(*tables)
