"""Banks from files, and math answers."""

import json
import threading
import time

import pytest

pytest.importorskip("datasets")
pytest.importorskip("math_verify")

import datasets

from curriculum_bandits.adapters.banks.answers import answer_in, prompt_for
from curriculum_bandits.adapters.banks.build import BankSpec, build_banks
from curriculum_bandits.adapters.banks.mathematics import MathJudge

ROWS = [{"question": f"{a}+{a}?", "answer": str(2 * a), "kind": "even"} for a in range(20)]


@pytest.fixture
def jsonl(tmp_path):
    path = tmp_path / "sums.jsonl"
    path.write_text("\n".join(map(json.dumps, ROWS)) + "\n")
    return path


@pytest.fixture(scope="module")
def judge():
    judge = MathJudge(seconds=2.0)
    yield judge
    judge.close()


def build(bank, **settings):
    return BankSpec.parse(bank, settings).build(progress=False)


def test_a_jsonl_file_with_roles_named(jsonl):
    bank = build({"jsonl": {"path": str(jsonl), "prompt": "question", "group": "kind"}})
    assert bank.prompts[3] == "3+3?"
    assert bank.verify(3, " 6 ") == 1.0
    assert bank.verify(3, "66") == 0.0
    assert bank.row(3)["group"] == "even"


@pytest.mark.parametrize("splits", [True, False])
def test_a_data_set_on_disk(tmp_path, splits):
    found = datasets.Dataset.from_list(ROWS)
    (datasets.DatasetDict({"train": found}) if splits else found).save_to_disk(str(tmp_path / "saved"))
    settings = {"split": "train"} if splits else {}
    bank = build({"dataset": {"path": str(tmp_path / "saved"), "prompt": "question", **settings}})
    assert len(bank) == 20
    assert bank.verify(2, "4") == 1.0


def test_a_split_must_be_named(tmp_path):
    datasets.DatasetDict({"train": datasets.Dataset.from_list(ROWS)}).save_to_disk(str(tmp_path / "saved"))
    with pytest.raises(ValueError, match="splits train"):
        build({"dataset": {"path": str(tmp_path / "saved"), "prompt": "question"}})
    with pytest.raises(ValueError, match="did you mean 'train'"):
        build({"dataset": {"path": str(tmp_path / "saved"), "prompt": "question", "split": "trian"}})


def test_a_verifier_by_import_path(jsonl, monkeypatch):
    monkeypatch.syspath_prepend(str(jsonl.parent))
    (jsonl.parent / "my_verifier_of_letters.py").write_text(
        "def first_letter(text, row):\n    return 0.5 if text.startswith(row['answer'][0]) else 0.0\n"
    )
    verifier = "my_verifier_of_letters:first_letter"
    bank = build({"jsonl": {"path": str(jsonl), "prompt": "question", "verifier": verifier}})
    assert [bank.verify(3, text) for text in ("6!", "7")] == [0.5, 0.0]
    with pytest.raises(ValueError, match="did you mean 'first_letter'"):
        BankSpec.parse({"jsonl": {"path": "x", "verifier": "my_verifier_of_letters:first_leter"}})


def test_what_cannot_be_judged_or_read_is_refused(jsonl, tmp_path):
    with pytest.raises(ValueError, match="did you mean 'question'"):
        build({"jsonl": {"path": str(jsonl), "prompt": "qestion"}})
    with pytest.raises(ValueError, match="no file"):
        build({"jsonl": {"path": str(tmp_path / "none.jsonl")}})
    (tmp_path / "bare.jsonl").write_text('{"prompt": "x"}\n')
    with pytest.raises(ValueError, match="no answer can be judged"):
        build({"jsonl": {"path": str(tmp_path / "bare.jsonl")}})
    (tmp_path / "broken.jsonl").write_text('{"prompt": "x"}\n{"prompt":\n')
    with pytest.raises(ValueError, match="line 2"):
        build({"jsonl": {"path": str(tmp_path / "broken.jsonl")}})


def test_held_out_rows_are_the_same_each_time_and_not_trained_on(jsonl):
    spec = BankSpec.parse({"jsonl": {"path": str(jsonl), "prompt": "question", "held_out": 5}})
    first, second = (build_banks(spec, "held_out", progress=False) for _ in range(2))
    assert first.evaluation is not None
    assert second.evaluation is not None
    assert first.evaluation.ids == second.evaluation.ids
    assert (len(first.train), len(first.evaluation)) == (15, 5)
    assert not set(first.train.prompts) & set(first.evaluation.prompts)
    for bank in (first.train, first.evaluation):
        assert bank.answers is not None
        assert first.verify(bank.ids[0], bank.answers[0]) == 1.0
    with pytest.raises(ValueError, match="hold out fewer"):
        build_banks(
            BankSpec.parse({"jsonl": {"path": str(jsonl), "prompt": "question", "held_out": 20}}),
            "held_out",
            progress=False,
        )


def test_math_problems(tmp_path):
    rows = [
        {"problem": "Half?", "answer": "\\frac{1}{2}", "level": "Level 2"},
        {"problem": "Root?", "answer": "\\sqrt{8}", "level": "Level 5"},
    ]
    (tmp_path / "math.jsonl").write_text("\n".join(map(json.dumps, rows)))
    bank = build({"math": {"path": str(tmp_path / "math.jsonl"), "difficulty": "level"}})
    assert "\\boxed{}" in bank.prompts[0]
    assert bank.verify(0, "so it is \\boxed{0.5}.") == 1.0
    assert bank.verify(0, "so it is 0.5") == 0.0
    assert bank.verify(1, "first \\boxed{1}, no: \\boxed{2\\sqrt{2}}") == 1.0
    assert bank.difficulty is not None
    assert bank.difficulty.tolist() == [0.0, 1.0]


def test_equal_expressions_are_the_same_and_others_are_not(judge):
    assert judge.same("x^2+2x+1", "(x+1)^2")
    assert judge.same("(1,2)", "(1, 2)")
    assert not judge.same("12", "13")
    assert not judge.same("12", "")


def test_a_power_tower_is_wrong_in_time_and_the_next_answer_is_judged(judge):
    begin = time.perf_counter()
    assert not judge.same("5", "9^{9^{9^{9}}}")
    assert time.perf_counter() - begin < 10
    assert judge.same("\\frac{3}{6}", "\\frac{1}{2}")


def test_math_is_judged_in_any_thread(judge):
    found = []
    thread = threading.Thread(target=lambda: found.append(judge.same("0.25", "\\frac{1}{4}")))
    thread.start()
    thread.join()
    assert found == [True]


def test_a_math_answer_runs_no_code(judge, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert not judge.same("5", "__import__('os').system('touch hacked')")
    assert not judge.same("5", "\\input{/etc/passwd}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("form", "text", "answer"),
    [
        ("tag", "<answer> 1 </answer> or <answer>2\n3</answer> then", "2\n3"),
        ("tag", "<answer>1</answer> and <answer>2", "1"),
        ("tag", "no tags", None),
        ("tag", "</answer><answer>", None),
        ("boxed", "\\boxed{a} \\boxed{\\frac{1}{2}}", "\\frac{1}{2}"),
        ("boxed", "\\boxed{1", None),
        ("last_line", "a\n b \n\n", "b"),
        ("last_line", "", None),
        ("whole", " a b ", "a b"),
    ],
)
def test_the_answer_is_found_where_it_should_stand(form, text, answer):
    assert answer_in(text, form) == answer


def test_a_prompt_replaces_the_question_and_nothing_else():
    assert prompt_for("{x} {question}", "Q: {question} {y}") == "Q: {x} {question} {y}"
    assert prompt_for("q", "{question}", chat=True, system="s") == [
        {"role": "system", "content": "s"},
        {"role": "user", "content": "q"},
    ]
