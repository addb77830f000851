"""What a model may write never hangs or runs in a verifier."""

import time

import pytest

pytest.importorskip("reasoning_gym")

import reasoning_gym
from reasoning_gym.factory import DATASETS

from curriculum_bandits.reasoning_gym import (
    REFUSED,
    SCREENED,
    check_entry,
    check_family,
    may_be_scored,
    safe_score,
)

HOSTILE = [
    "9**9**9**9",
    "9 ** 9 ** 9 ** 9",
    "(9**9)**(9**9)",
    "__import__('os').system('touch hacked')",
    "().__class__.__base__.__subclasses__()",
    "open('hacked', 'w')",
    'exec(\'open("hacked", "w")\')',
    "[open('hacked','w')]",
    "(lambda: open('hacked','w'))()",
    "factorial(99999999)",
    "99999999999999999999!!!!",
    "1e999999999",
    "-1E+99999999",
    "[" * 5000,
    "(" * 5000 + "1" + ")" * 5000,
    "-" * 5000 + "1",
    "9" * 5000,
    "'a' * 10**10",
    "",
    "\x00",
    "x**9**9",
    "x**999999999",
    "((x**99)**99)**99",
]


@pytest.mark.parametrize(
    "family", sorted({*SCREENED, "coin_flip", "decimal_arithmetic", "power_function", "rubiks_cube"})
)
def test_hostile_answers_are_wrong_at_once_and_run_nothing(family, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dataset = reasoning_gym.create_dataset(family, size=1, seed=0)
    entry = dataset[0]
    begin = time.perf_counter()
    assert all(safe_score(dataset, family, text, entry) < 1.0 for text in HOSTILE)
    assert time.perf_counter() - begin < 10
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("family", sorted(set(SCREENED) - {"rubiks_cube"}))  # has no answers, only verdicts
def test_right_answers_pass_the_screen(family):
    dataset = reasoning_gym.create_dataset(family, size=12, seed=3)
    for entry in (dataset[i] for i in range(12)):
        assert may_be_scored(family, entry["answer"])
        assert safe_score(dataset, family, entry["answer"], entry) == 1.0


def test_answers_in_other_words_are_right():
    dataset = reasoning_gym.create_dataset("countdown", size=1, seed=0)
    entry = {"answer": "1", "metadata": {"numbers": [2, 3, 4], "target": 20}}
    assert safe_score(dataset, "countdown", "(2 + 3) * 4", entry) == 1.0
    assert safe_score(dataset, "countdown", "4*(3 + 2)", entry) == 1.0
    assert safe_score(dataset, "countdown", "4*5", entry) < 1.0


def test_a_cube_is_solved_by_moves_only():
    moves = ["R U R' U'", "F2 B' D", "RUR'U'", "r u'\nF"]
    assert all(may_be_scored("rubiks_cube", text) for text in moves)
    dataset = reasoning_gym.create_dataset("rubiks_cube", size=4, seed=0)
    for entry in (dataset[i] for i in range(4)):
        back = [move.rstrip("'") if "'" in move else move + "'" for move in entry["metadata"]["scramble_moves"].split()]
        assert safe_score(dataset, "rubiks_cube", " ".join(reversed(back)), entry) == 1.0


def test_polynomials_may_have_powers_of_letters_only():
    allowed = ["3*x**2 + 4*x", "-12*x*y + 3 * z**12", "2*(x + 1)"]
    refused = ["9**9", "x**9**9", "(x + 1)**99", "f(2)", "x(3)", "exp", "x**999"]
    assert all(may_be_scored("polynomial_multiplication", text) for text in allowed)
    assert not any(may_be_scored("polynomial_multiplication", text) for text in refused)


@pytest.mark.parametrize("family", [*REFUSED, "composite"])
def test_a_family_that_cannot_be_screened_is_refused(family):
    assert family in DATASETS
    with pytest.raises(ValueError, match=family):
        check_family(family)


def test_every_family_whose_verifier_evaluates_an_answer_is_known():
    """A new version of reasoning-gym with another such family must fail here, not in a user's training."""
    import inspect
    import re

    for family, (kind, _) in DATASETS.items():
        source = inspect.getsource(kind.score_answer)
        if re.search(r"\b(eval|exec|parse_expr|sympify)\(", source):
            assert family in {*SCREENED, *REFUSED, "number_sorting"}, family


@pytest.mark.parametrize(
    ("family", "entry"),
    [
        ("bitwise_arithmetic", {"metadata": {"problem": "__import__('os')"}}),
        ("bitwise_arithmetic", {"metadata": {"problem": "(0x1 << 0xffffffff)"}}),
        ("bitwise_arithmetic", {"metadata": {"problem": "9**9**9"}}),
        ("number_sorting", {"answer": "exit()"}),
        ("polynomial_multiplication", {"answer": "x.__class__"}),
    ],
)
def test_a_stored_problem_that_would_be_evaluated_is_refused(family, entry):
    with pytest.raises(ValueError, match="evaluate"):
        check_entry(family, entry)


@pytest.mark.parametrize("family", ["bitwise_arithmetic", "number_sorting", "polynomial_multiplication"])
def test_stored_problems_as_they_are_generated_pass(family):
    dataset = reasoning_gym.create_dataset(family, size=20, seed=1)
    for i in range(20):
        check_entry(family, dataset[i])


def test_a_score_above_one_is_not_a_right_answer():
    class Generous:
        def score_answer(self, answer, entry):
            return 1.2

    assert safe_score(Generous(), "spell_backward", "abcX", {"answer": "abc"}) < 1.0
    assert safe_score(Generous(), "spell_backward", "abc", {"answer": "abc"}) == 1.0
