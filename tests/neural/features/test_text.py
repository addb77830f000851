"""Features of text: they tell families and difficulties apart, and equal arguments give equal bytes."""

import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the neural extra is not installed")

from sklearn.linear_model import LogisticRegression

from curriculum_bandits import ProblemBank
from curriculum_bandits.neural.features import text as module
from curriculum_bandits.neural.features import text_features

OPERATORS = "+-*/"
DIGITS = 6


def arithmetic(n, seed=0):
    """Problems of every operator and digit length, and which each is."""
    rng = np.random.default_rng(seed)
    operators, digits = rng.integers(len(OPERATORS), size=n), rng.integers(1, DIGITS + 1, size=n)
    lows, highs = 10 ** (digits - 1), 10**digits
    prompts = [
        f"What is {rng.integers(low, high)} {OPERATORS[operator]} {rng.integers(low, high)}?"
        for operator, low, high in zip(operators, lows, highs, strict=True)
    ]
    return ProblemBank(prompts), operators, digits


BANK, FAMILY, LENGTH = arithmetic(1200)


def everything(table):
    return table.rows(np.arange(len(table)))


def quick(bank=BANK, **changes):
    return text_features(bank, **{"columns": 16, "max_terms": 500, "progress": False, **changes})


def held_out_accuracy(features, labels):
    half = len(labels) // 2
    return LogisticRegression(max_iter=2000).fit(features[:half], labels[:half]).score(features[half:], labels[half:])


@pytest.mark.parametrize("vectorizer", ["tfidf", "hashing"])
def test_a_linear_model_reads_family_and_difficulty_off_them(vectorizer):
    features = everything(text_features(BANK, vectorizer=vectorizer, fit_on=400, progress=False))
    assert features.shape == (1200, 64)
    # Chance is 1/4 and 1/6.
    assert held_out_accuracy(features, FAMILY) > 0.95
    assert held_out_accuracy(features, LENGTH) > 0.8
    shuffled = np.random.default_rng(1).permutation(LENGTH)
    assert held_out_accuracy(features, shuffled) < 0.4


def test_without_the_lengths_the_projection_still_knows_the_family():
    features = everything(text_features(BANK, fit_on=400, progress=False))[:, :-3]
    assert held_out_accuracy(features, FAMILY) > 0.95


def test_the_last_three_columns_are_lengths():
    prompts = ["", "ab", "x1y22", "1234567 89", "\u0663\u0664"]
    raw = quick(ProblemBank(prompts)).raw[:, -3:]
    expected = np.log1p([[0, 0, 0], [2, 0, 0], [5, 3, 2], [10, 9, 7], [2, 2, 2]])
    np.testing.assert_allclose(raw, expected, rtol=1e-3)


def test_the_projection_is_that_of_the_exact_decomposition():
    bank = BANK[np.arange(60)]
    from sklearn.feature_extraction.text import TfidfVectorizer

    weights = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True).fit_transform(bank.prompts)
    left, singular, _ = np.linalg.svd(weights.toarray(), full_matrices=False)
    raw = text_features(bank, columns=8, progress=False).raw[:, :5].astype(np.float64)
    np.testing.assert_allclose(np.abs(raw), np.abs(left * singular)[:, :5], atol=3e-2)
    np.testing.assert_allclose(raw @ raw.T, (left[:, :5] * singular[:5] ** 2) @ left[:, :5].T, atol=3e-2)


@pytest.mark.parametrize("vectorizer", ["tfidf", "hashing"])
def test_equal_arguments_give_equal_features(vectorizer):
    first, again = (quick(vectorizer=vectorizer, fit_on=300, seed=3, chunk=chunk) for chunk in (8192, 97))
    np.testing.assert_array_equal(first.raw, again.raw)
    other = quick(vectorizer=vectorizer, fit_on=300, seed=4)
    assert not np.array_equal(first.raw, other.raw)


def test_a_stopped_file_goes_on_to_the_same_bytes(tmp_path, monkeypatch):
    arguments = {"chunk": 100, "fit_on": 300}
    quick(path=tmp_path / "whole.npy", **arguments)
    calls = 0

    def failing(prompt):
        nonlocal calls
        calls += 1
        if calls > 300 + 550:
            raise KeyboardInterrupt
        return prompt

    with monkeypatch.context() as patch:
        patch.setattr(module, "prompt_text", failing)
        with pytest.raises(KeyboardInterrupt):
            quick(path=tmp_path / "halted.npy", **arguments)
    assert (tmp_path / "halted.npy.partial").exists()
    assert '"done": 500' in (tmp_path / "halted.npy.json").read_text()
    quick(path=tmp_path / "halted.npy", **arguments)
    for end in ("", ".json"):
        assert (tmp_path / f"halted.npy{end}").read_bytes() == (tmp_path / f"whole.npy{end}").read_bytes()


def test_a_finished_file_is_not_fitted_again(tmp_path, monkeypatch):
    first = quick(path=tmp_path / "f.npy")
    monkeypatch.setattr(module, "_fit", None)
    np.testing.assert_array_equal(quick(path=tmp_path / "f.npy").raw, first.raw)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bank": BANK[np.arange(1199)]}, "bank is "),
        ({"columns": 17}, "columns is 16 there, 17 here"),
        ({"ngram_range": (1, 2)}, r"ngram_range is \[1, 3\] there, \[1, 2\] here"),
        ({"vectorizer": "hashing"}, "vectorizer is 'tfidf' there, 'hashing' here"),
        ({"seed": 1}, "seed is 0 there, 1 here"),
        ({"fit_on": 7}, "fit_on is 1200 there, 7 here"),
    ],
)
def test_a_file_of_other_features_is_refused(tmp_path, monkeypatch, changes, message):
    quick(path=tmp_path / "f.npy")
    monkeypatch.setattr(module, "_fit", None)  # refused before the costly part
    with pytest.raises(ValueError, match=message):
        quick(path=tmp_path / "f.npy", **changes)


@pytest.mark.parametrize(
    ("prompts", "projected"),
    [
        (["a", "b", "aa"], 2),  # two independent terms but for their lengths
        (["abc"], 1),
        (["same", "same", "same"], 1),
    ],
)
def test_fewer_terms_than_columns_give_a_narrower_table(prompts, projected):
    table = text_features(ProblemBank(prompts), columns=64, ngram_range=(1, 1), progress=False)
    assert table.columns == projected + 3
    assert np.isfinite(everything(table)).all()


def test_terms_that_the_sample_lacks_are_no_obstacle():
    bank = ProblemBank(["1+1="] * 50 + ["entirely different"])
    table = text_features(bank, fit_on=1, seed=0, progress=False)
    assert table.columns == 4
    assert np.isfinite(everything(table)).all()


def test_chat_messages_are_read_as_their_contents():
    bank = ProblemBank([[{"role": "user", "content": prompt}] for prompt in BANK.prompts[:50]])
    plain = BANK[np.arange(50)]
    np.testing.assert_array_equal(quick(bank).raw, quick(plain).raw)


@pytest.mark.parametrize("vectorizer", ["tfidf", "hashing"])
def test_prompts_without_terms_are_named(vectorizer):
    with pytest.raises(ValueError, match=r"no terms, the first being '1\+1='; choose analyzer='char'"):
        quick(ProblemBank(["1+1=", "2+2="]), analyzer="word", vectorizer=vectorizer)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"columns": 3}, "columns is 3; give at least 4"),
        ({"fit_on": 0}, "fit_on is 0"),
        ({"max_terms": 0}, "max_terms is 0"),
        ({"chunk": 0}, "chunk is 0"),
        ({"vectorizer": "bm25"}, "vectorizer is 'bm25'"),
    ],
)
def test_arguments_out_of_range_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        quick(**changes)


def test_importing_the_package_needs_neither_scikit_learn_nor_transformers():
    code = "import sys, curriculum_bandits.neural.features; assert not {'sklearn', 'transformers'} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
