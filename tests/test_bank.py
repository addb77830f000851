"""The problems: what a bank holds, where it can come from, and what it refuses."""

import json
from collections.abc import Sequence

import numpy as np
import pytest

from curriculum_bandits import ProblemBank


def a_bank(**changes):
    fields = {
        "prompts": ["1+1=", "2+3=", "prove it"],
        "ids": ["x", "y", "z"],
        "answers": ["2", "5", "qed"],
        "features": np.arange(6.0).reshape(3, 2),
        "groups": ["sum", "sum", "proof"],
        "difficulty": [1, 2, 9],
        "columns": {"source": ["s1", "s2", "s3"]},
    }
    return ProblemBank(**{**fields, **changes})


def same(a, b):
    assert [a.row(i) for i in range(len(a))] == [b.row(i) for i in range(len(b))]
    assert a.fingerprint == b.fingerprint


def test_a_row_holds_everything_about_a_problem():
    bank = a_bank()
    row = {"prompt": "2+3=", "id": "y", "answer": "5", "group": "sum", "difficulty": 2.0, "source": "s2"}
    assert bank.row(1) == bank.row(np.int64(1)) == row
    assert len(bank) == 3


def test_prompts_are_enough():
    bank = ProblemBank(["a", "b"])
    assert bank.ids == ["0", "1"]
    assert bank.row(1) == {"prompt": "b", "id": "1"}
    assert (bank.groups, bank.answers, bank.difficulty, bank.features) == (None, None, None, None)


def test_groups_are_numbered_in_the_order_they_appear():
    bank = ProblemBank(list("abcd"), groups=["late", 7, "late", "x"])
    assert bank.group_names == ["late", "7", "x"]
    assert bank.groups.tolist() == [0, 1, 0, 2]


def test_prompts_may_be_chat_messages():
    chat = [{"role": "user", "content": "1+1="}]
    bank = ProblemBank([chat, "2+2="])
    assert bank.row(0)["prompt"] == chat
    assert len(bank.fingerprint) == 16


def test_an_id_leads_back_to_its_problem():
    bank = a_bank(ids=[10, 20, 30])
    assert [bank.index("20"), bank.index(30)] == [1, 2]
    with pytest.raises(KeyError, match="no problem has the id '7'"):
        bank.index(7)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"prompts": []}, "the bank is empty"),
        ({"ids": ["x", "y", "x"]}, "problems 0 and 2 share the id 'x'"),
        ({"ids": ["1", 1, "z"]}, "problems 0 and 1 share the id '1'"),
        ({"ids": ["x"]}, "ids has 1 entries for 3"),
        ({"answers": ["2"]}, "answers has 1 entries for 3"),
        ({"features": [[0.0], [1.0]]}, "features has 2 entries for 3"),
        ({"groups": ["a"] * 4}, "groups has 4 entries for 3"),
        ({"difficulty": [1.0]}, "difficulty has 1 entries for 3"),
        ({"columns": {"source": ["s"]}}, "source has 1 entries for 3"),
        ({"answers": ["2"], "columns": {"answers": ["a", "b", "c"]}}, "answers has 1 entries for 3"),
        ({"groups": ["g"], "columns": {"groups": ["a", "b", "c"]}}, "groups has 1 entries for 3"),
    ],
)
def test_what_does_not_fit_together_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        a_bank(**changes)


@pytest.mark.parametrize("name", ["prompt", "id", "answer", "group", "difficulty"])
def test_a_column_cannot_take_a_reserved_name(name):
    with pytest.raises(ValueError, match=f"column '{name}' has a reserved name"):
        a_bank(columns={name: [1, 2, 3]})


# Verification


def test_an_answer_is_right_when_it_equals_the_reference_but_for_white_space():
    bank = ProblemBank(["a", "b"], answers=["12 ", 7])
    assert [bank.verify(0, " 12\n"), bank.verify(0, "1 2"), bank.verify(1, "7"), bank.verify(1, "")] == [1, 0, 1, 0]
    assert isinstance(bank.verify(0, "12"), float)


def test_a_verifier_of_ones_own_is_asked_instead():
    bank = a_bank(verifier=lambda item, text: (item + len(text)) / 10)
    assert bank.verify(np.int64(1), "abc") == 0.4


def test_a_bank_that_cannot_verify_says_so():
    with pytest.raises(ValueError, match="cannot verify"):
        ProblemBank(["a"]).verify(0, "x")


# Subsets and fingerprints


def test_a_subset_keeps_rows_features_and_verifier():
    bank = a_bank(verifier=lambda item, text: float(item))
    part = bank[[2, 0]]
    assert [part.row(i) for i in range(2)] == [bank.row(2), bank.row(0)]
    assert part.features.tolist() == [[4.0, 5.0], [0.0, 1.0]]
    assert [part.verify(0, ""), part.verify(1, "")] == [2.0, 0.0]
    assert part[[1]].verify(0, "") == 0.0
    assert part.group_names == ["proof", "sum"]


def test_a_subset_does_not_follow_the_array_it_was_chosen_with():
    chosen = np.array([2, 0])
    part = a_bank(verifier=lambda item, text: float(item))[chosen]
    chosen[:] = 1
    assert part.verify(0, "") == 2.0


def test_a_mask_chooses_what_it_marks_or_is_refused():
    bank = ProblemBank(["a", "b"])
    try:
        chosen = bank[np.array([False, True])]
    except (TypeError, ValueError):
        return
    assert chosen.prompts == ["b"]


def test_an_empty_subset_is_refused():
    with pytest.raises(ValueError, match="the bank is empty"):
        a_bank()[[]]


@pytest.mark.parametrize(
    "changes",
    [
        {"prompts": ["1+1=", "2+3=", "prove that"]},
        {"ids": ["x", "y", "w"]},
        {"groups": ["sum", "sum", "sum"]},
        {"groups": None},
        {"ids": ["y", "x", "z"]},
    ],
)
def test_the_fingerprint_tells_banks_apart(changes):
    assert a_bank(**changes).fingerprint != a_bank().fingerprint


def test_the_fingerprint_is_the_same_for_the_same_bank():
    assert a_bank().fingerprint == a_bank(difficulty=None).fingerprint
    # Pinned: if it changed between processes or versions, every checkpoint would be refused.
    assert ProblemBank(["1+1=", "é"], ids=["x", "y"], groups=["a", "b"]).fingerprint == "b14cd3829a31813b"


def test_order_and_boundaries_enter_the_fingerprint():
    assert a_bank()[[1, 0, 2]].fingerprint != a_bank().fingerprint
    assert ProblemBank(["ab", "c"]).fingerprint != ProblemBank(["a", "bc"]).fingerprint


# Rows, files and data sets

ROWS = [
    {"question": "1+1=", "key": 7, "solution": "2", "family": "sum", "level": 1, "note": None},
    {"question": "café \u2028 🙂", "key": 8, "solution": "5", "family": "text", "level": 2.5, "note": "n"},
]
ROLES = {"prompt": "question", "id": "key", "answer": "solution", "group": "family", "difficulty": "level"}


def expected():
    return ProblemBank(
        [row["question"] for row in ROWS],
        ids=[7, 8],
        answers=["2", "5"],
        groups=["sum", "text"],
        difficulty=[1, 2.5],
        columns={"note": [None, "n"]},
    )


def test_columns_play_the_parts_they_are_given():
    same(ProblemBank.from_records(ROWS, **ROLES), expected())


def test_a_part_that_is_not_named_is_the_column_of_its_name():
    bank = ProblemBank.from_records([{"prompt": "a", "answer": 3, "group": "g", "id": "i", "difficulty": 2}])
    assert bank.row(0) == {"prompt": "a", "id": "i", "answer": 3, "group": "g", "difficulty": 2.0}


def test_the_rows_that_were_given_are_left_alone():
    rows = [dict(row) for row in ROWS]
    ProblemBank.from_records(iter(rows), **ROLES).row(0)["prompt"] = "changed"
    assert rows == ROWS


def test_rows_may_come_with_a_verifier():
    assert ProblemBank.from_records([{"prompt": "a"}], verifier=lambda item, text: 0.5).verify(0, "") == 0.5


@pytest.mark.parametrize(
    ("rows", "roles", "message"),
    [
        ([], {}, "the bank is empty"),
        ([{"question": "a"}], {}, "no column 'prompt' for the prompt; the columns are"),
        ([{"prompt": "a"}], {"answer": "solution"}, "no column 'solution' for the answer"),
        ([{"prompt": "a"}, {"prompt": "b", "extra": 1}], {}, r"row 1 and row 0 differ in the columns \['extra'\]"),
        ([{"prompt": "a", "id": 1}, {"prompt": "b", "id": 1}], {}, "share the id '1'"),
        ([{"prompt": "a", "x": 1, "answer": 2}], {"answer": "x"}, "column 'answer' has a reserved name"),
    ],
)
def test_rows_that_cannot_be_read_are_refused(rows, roles, message):
    with pytest.raises(ValueError, match=message):
        ProblemBank.from_records(rows, **roles)


def test_an_unknown_part_is_refused():
    with pytest.raises(TypeError, match="reward"):
        ProblemBank.from_records(ROWS, prompt="question", reward="note")


@pytest.mark.parametrize("ascii_only", [True, False])
def test_a_file_of_json_lines(tmp_path, ascii_only):
    path = tmp_path / "bank.jsonl"
    text = "\n".join(json.dumps(row, ensure_ascii=ascii_only) for row in ROWS)
    path.write_text(text + "\n\n", encoding="utf-8")
    same(ProblemBank.from_jsonl(path, **ROLES), expected())
    same(ProblemBank.from_jsonl(str(path), **ROLES), expected())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"prompt": "a"}\n\n{"prompt": \n', "line 3 is not JSON"),
        ('{"prompt": "a"}\n["b"]\n', "line 2 is a list"),
        ("\n\n", "the bank is empty"),
    ],
)
def test_a_bad_line_is_named(tmp_path, text, message):
    (tmp_path / "bank.jsonl").write_text(text)
    with pytest.raises(ValueError, match=message):
        ProblemBank.from_jsonl(tmp_path / "bank.jsonl")


def test_a_hugging_face_dataset():
    datasets = pytest.importorskip("datasets")
    dataset = datasets.Dataset.from_list(ROWS)
    same(ProblemBank.from_dataset(dataset, **ROLES), expected())
    same(ProblemBank.from_dataset(dataset.to_iterable_dataset(), **ROLES), expected())
    with pytest.raises(ValueError, match=r"set of splits, \['train', 'test'\]"):
        ProblemBank.from_dataset(datasets.DatasetDict({"train": dataset, "test": dataset}), **ROLES)
    with pytest.raises(ValueError, match="no column 'prompt'"):
        ProblemBank.from_dataset(dataset)


# reasoning-gym


def arithmetic_and_countdown():
    reasoning_gym = pytest.importorskip("reasoning_gym")
    return {
        "sums": reasoning_gym.create_dataset("basic_arithmetic", size=5, seed=1),
        "countdown": reasoning_gym.create_dataset("countdown", size=4, seed=2),
    }


def compact(entry):
    return f"{entry['metadata']['numbers']}->{entry['metadata']['target']}"


def test_reasoning_gym_problems_come_with_groups_ids_and_answers():
    sources = arithmetic_and_countdown()
    bank = ProblemBank.from_reasoning_gym(sources, difficulty={"sums": 1, "countdown": 3})
    assert len(bank) == 9
    assert bank.group_names == ["sums", "countdown"]
    assert bank.ids[4:6] == ["sums#4", "countdown#0"]
    assert bank.prompts == [entry["question"] for source in sources.values() for entry in source]
    assert bank.difficulty.tolist() == [1.0] * 5 + [3.0] * 4


def test_reasoning_gym_verifiers_judge_and_a_threshold_denies_credit_for_form():
    sources = arithmetic_and_countdown()
    strict = ProblemBank.from_reasoning_gym(sources)
    lenient = ProblemBank.from_reasoning_gym(sources, threshold=None)
    for item in range(9):
        assert strict.verify(item, f" {strict.answers[item]}\n") == 1.0
        assert strict.verify(item, "no idea") == 0.0
    target = sources["countdown"][0]["metadata"]["target"]
    partial = lenient.verify(5, "1 + 1")
    assert target != 2
    assert 0.0 < partial < 1.0  # an expression, but not the right one
    assert strict.verify(5, "1 + 1") == 0.0
    a = sources["countdown"][0]["metadata"]
    assert strict.verify(5, a["expression"]) == 1.0


def test_each_problem_is_judged_by_its_own_data_set_and_entry():
    strict = ProblemBank.from_reasoning_gym(arithmetic_and_countdown())
    right = np.array([[strict.verify(item, strict.answers[other]) for other in range(9)] for item in range(9)])
    distinct = len(set(strict.answers)) == 9
    assert distinct
    assert np.array_equal(right, np.eye(9))
    assert strict[[7, 2]].verify(0, strict.answers[7]) == 1.0


def test_a_prompt_can_be_written_from_the_metadata():
    sources = arithmetic_and_countdown()
    one = ProblemBank.from_reasoning_gym(sources["countdown"], render=compact, difficulty=lambda e: len(e["question"]))
    assert one.group_names == ["countdown"]
    assert one.prompts[0] == compact(sources["countdown"][0])
    assert max(map(len, one.prompts)) < 48
    assert one.difficulty[0] == len(sources["countdown"][0]["question"])
    both = ProblemBank.from_reasoning_gym(sources, render={"sums": lambda e: "calc", "countdown": compact})
    assert both.prompts[:5] == ["calc"] * 5
    assert both.prompts[5:] == one.prompts


@pytest.mark.parametrize("name", ["render", "difficulty"])
def test_a_data_set_without_its_entry_is_named(name):
    with pytest.raises(ValueError, match=rf"{name} has no entry for \['countdown'\]"):
        ProblemBank.from_reasoning_gym(arithmetic_and_countdown(), **{name: {"sums": lambda e: "1"}})


# Banks larger than the memory


class Column(Sequence):
    """A column that is somewhere else: it counts what is read of it."""

    def __init__(self, count, prefix):
        self.count, self.prefix, self.read = count, prefix, 0

    def __len__(self):
        return self.count

    def __getitem__(self, item):
        if not -self.count <= item < self.count:
            raise IndexError(item)
        self.read += 1
        return f"{self.prefix}{item}"


def test_a_column_that_is_no_list_is_kept_and_read_where_it_is_needed():
    prompts, answers, sources = Column(10**7, "p"), Column(10**7, "a"), Column(10**7, "s")
    bank = ProblemBank(prompts, answers=answers, columns={"source": sources})
    assert bank.prompts is prompts
    assert (prompts.read, answers.read, sources.read) == (0, 0, 0)
    assert bank.row(7_654_321) == {
        "prompt": "p7654321",
        "id": "7654321",
        "answer": "a7654321",
        "source": "s7654321",
    }
    assert bank.verify(12, " a12 ") == 1.0
    assert (prompts.read, answers.read, sources.read) == (1, 2, 1)
    assert bank[[3, 9_999_999]].prompts == ["p3", "p9999999"]


def test_lists_and_tuples_are_copied():
    prompts = ["a", "b"]
    bank = ProblemBank(prompts, answers=("1", "2"))
    prompts[0] = "changed"
    assert bank.prompts == ["a", "b"]
    assert bank.answers == ["1", "2"]


def test_ids_that_were_not_given_are_made_on_demand_and_lead_back():
    bank = ProblemBank(Column(10**7, "p"))
    assert len(bank.ids) == 10**7
    assert (bank.ids[0], bank.ids[-1], bank.ids[5:8]) == ("0", "9999999", ["5", "6", "7"])
    assert [bank.index("9999999"), bank.index(42)] == [9_999_999, 42]
    for unknown in ("10000000", "-1", "007", "1.0", "x", "", "²", "٣"):
        with pytest.raises(KeyError, match="no problem has the id"):
            bank.index(unknown)
    with pytest.raises(IndexError):
        bank.ids[10**7]
    assert bank.ids.get("12") == 12


def test_a_kept_column_and_a_list_make_the_same_bank():
    lazy, plain = ProblemBank(Column(5, "p")), ProblemBank([f"p{i}" for i in range(5)], ids=range(5))
    same(lazy, plain)
    assert lazy.fingerprint != ProblemBank(Column(5, "q")).fingerprint
    with pytest.raises(ValueError, match="answers has 4 entries for 5"):
        ProblemBank(Column(5, "p"), answers=Column(4, "a"))
    with pytest.raises(ValueError, match="the bank is empty"):
        ProblemBank(Column(0, "p"))


def test_what_a_verifier_would_evaluate_is_wrong_and_a_family_that_runs_code_is_refused():
    reasoning_gym = pytest.importorskip("reasoning_gym")
    bank = ProblemBank.from_reasoning_gym(
        reasoning_gym.create_dataset("countdown", size=3, seed=1, min_numbers=3, max_numbers=3)
    )
    assert bank.verify(0, bank.answers[0]) == 1.0
    for text in ("9**9**9**9**9", "__import__('os').abort()", "lambda: 1", "(" * 10_000):
        assert bank.verify(0, text) == 0.0
    with pytest.raises(ValueError, match="'simple_integration' cannot be used"):
        ProblemBank.from_reasoning_gym(reasoning_gym.create_dataset("simple_integration", size=1, seed=1))


def test_one_text_is_no_bank():
    with pytest.raises(TypeError, match=r"prompts is the text '1\+1='; give a sequence of prompts"):
        ProblemBank("1+1=")
