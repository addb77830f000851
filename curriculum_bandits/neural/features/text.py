"""Features of the text of a problem, without any model: which character sequences it has, and how long it is.

What makes problems hard often shows on the surface, in the lengths of numbers, the operators, the words of a topic. So
n-grams of characters are weighed by how rare they are and projected to a few dimensions (latent semantic analysis), and
three plain lengths stand beside them, because the projection forgets length. Projecting is fitted on a sample.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from curriculum_bandits.bandits.contract import FloatArray
from curriculum_bandits.bank import ProblemBank
from curriculum_bandits.extras import require_extra
from curriculum_bandits.neural.features.store import finished_features, write_features
from curriculum_bandits.neural.features.table import FeatureTable
from curriculum_bandits.neural.prompts import prompt_text

__all__ = ["text_features"]


_LENGTHS = 3
_DIGITS = re.compile(r"\d+")
_POWER_ITERATIONS = 5
_NEGLIGIBLE = 1e-6  # of the largest singular value: such a component is rounding noise


def text_features(
    bank: ProblemBank,
    *,
    columns: int = 64,
    path: str | os.PathLike[str] | None = None,
    vectorizer: Literal["tfidf", "hashing"] = "tfidf",
    analyzer: Literal["char", "char_wb", "word"] = "char",
    ngram_range: tuple[int, int] = (1, 3),
    max_terms: int = 2**14,
    fit_on: int = 20_000,
    chunk: int = 8192,
    seed: int = 0,
    progress: bool = True,
) -> FeatureTable:
    """Features of the prompts' text: projected n-grams, and three lengths.

    The first columns are the projection of each prompt's n-gram weights, (1 + log count) times the inverse document
    frequency, of unit length, on the leading right singular vectors of a sample. The last three are log(1 + x) of the
    numbers of characters and of digits and of the longest run of digits. Where the sample has fewer independent terms
    than columns - 3, there is one column for each of them and the table is narrower than asked for.

    Args:
        bank: The problems; chat messages are joined by line breaks.
        columns: Number of features, d, at least 4.
        path: The file to write or go on with, as in `write_features`; None keeps the features in memory.
        vectorizer: "tfidf" keeps the most frequent terms of the sample; "hashing" keeps all, some of them merged.
        analyzer: What terms are made of: characters, characters within words, or words (of two letters or more).
        ngram_range: Shortest and longest n-gram.
        max_terms: How many terms are kept, or hash values there are.
        fit_on: On how many problems, a random sample, the frequencies and the projection are fitted.
        chunk: Problems read at once.
        seed: Seed of the sample and of the randomised singular value decomposition.
        progress: Whether to show a progress bar.

    Returns:
        The table; equal arguments give equal features.

    Raises:
        ValueError: If an argument is out of range, or the sample has no term; or as `write_features`.
        ModuleNotFoundError: If scikit-learn is not installed.

    >>> bank = ProblemBank(["1+1=", "12*34=", "123-5="])
    >>> table = text_features(bank, columns=5, progress=False)
    >>> len(table), table.columns
    (3, 5)
    """
    if columns <= _LENGTHS:
        raise ValueError(f"columns is {columns}; give at least {_LENGTHS + 1}, {_LENGTHS} of them are lengths")
    for name, number in (("max_terms", max_terms), ("fit_on", fit_on)):
        if number < 1:
            raise ValueError(f"{name} is {number}; give at least 1")
    terms = _terms(vectorizer, analyzer, ngram_range, max_terms)
    identity: dict[str, Any] = {}
    if path is not None:
        identity = {
            "kind": "text",
            "bank": bank.fingerprint,
            "columns": columns,
            "vectorizer": vectorizer,
            "analyzer": analyzer,
            "ngram_range": ngram_range,
            "max_terms": max_terms,
            "fit_on": min(fit_on, len(bank)),
            "seed": seed,
        }
        if (table := finished_features(path, identity)) is not None:
            return table
    projection = _fit(terms, _sample(bank, fit_on, seed), columns - _LENGTHS, seed)

    def compute(start: int, stop: int) -> FloatArray:
        texts = [prompt_text(prompt) for prompt in bank.prompts[start:stop]]
        return np.hstack([terms.transform(texts) @ projection, _lengths(texts)])

    width = projection.shape[1] + _LENGTHS
    return write_features(path, len(bank), width, compute, identity=identity, chunk=chunk, progress=progress)


def _terms(vectorizer: str, analyzer: str, ngram_range: tuple[int, int], max_terms: int) -> Any:
    """What turns texts into a sparse matrix of weights, not fitted yet."""
    sklearn_text = require_extra("sklearn.feature_extraction.text", "neural")
    units = {"analyzer": analyzer, "ngram_range": ngram_range}
    if vectorizer == "tfidf":
        return sklearn_text.TfidfVectorizer(**units, max_features=max_terms, sublinear_tf=True)
    if vectorizer == "hashing":
        # Counts have to stay positive, since their logarithm is taken.
        hashing = sklearn_text.HashingVectorizer(**units, n_features=max_terms, alternate_sign=False, norm=None)
        weights = sklearn_text.TfidfTransformer(sublinear_tf=True)
        return require_extra("sklearn.pipeline", "neural").make_pipeline(hashing, weights)
    raise ValueError(f"vectorizer is {vectorizer!r}; give 'tfidf' or 'hashing'")


def _sample(bank: ProblemBank, size: int, seed: int) -> list[str]:
    chosen = np.arange(len(bank))
    if size < len(bank):
        chosen = np.sort(np.random.default_rng(seed).choice(len(bank), size=size, replace=False))
    return [prompt_text(bank.prompts[item]) for item in chosen.tolist()]


def _fit(terms: Any, texts: Sequence[str], width: int, seed: int) -> FloatArray:
    """Fit the terms, and return the projection of their weights, shape (terms, at most width)."""
    try:
        weights = terms.fit_transform(texts)
    except ValueError as error:
        if "empty vocabulary" not in str(error):
            raise
        weights = None
    if weights is None or weights.nnz == 0:
        raise ValueError(
            f"the prompts have no terms, the first being {texts[0]!r:.80}; choose analyzer='char' or give longer texts"
        )
    size = min(width, *weights.shape)
    randomized_svd = require_extra("sklearn.utils.extmath", "neural").randomized_svd
    _, singular_values, components = randomized_svd(weights, size, n_iter=_POWER_ITERATIONS, random_state=seed)
    kept = singular_values > _NEGLIGIBLE * singular_values[0]
    return np.ascontiguousarray(components[kept].T, dtype=np.float64)


def _lengths(texts: Sequence[str]) -> FloatArray:
    """Logarithms of the three lengths, shape (m, 3)."""
    runs = [[len(run) for run in _DIGITS.findall(text)] for text in texts]
    counts = [(len(text), sum(of_text), max(of_text, default=0)) for text, of_text in zip(texts, runs, strict=True)]
    return np.log1p(np.array(counts, dtype=np.float64).reshape(len(texts), _LENGTHS))
