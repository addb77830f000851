"""How regret grows with the horizon: the exponent of a power law, with an interval over runs.

Theory speaks of exponents (1/2 for a fixed comparator, 2/3 within a variation budget, 1 for who does not learn), and a
slope in a log-log picture is what can be laid beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Exponent", "fit_exponent"]


class Exponent(NamedTuple):
    """A fitted power law ``factor * horizon ** exponent``.

    Attributes:
        exponent: Slope of log mean regret over log horizon, by least squares.
        lower: Lower end of its 95 % bootstrap interval; nan where a horizon has fewer than two observations.
        upper: Upper end, or nan likewise.
        factor: Factor of the power law.
    """

    exponent: float
    lower: float
    upper: float
    factor: float


def fit_exponent(
    horizons: Sequence[int], regrets: Sequence[npt.ArrayLike], *, resamples: int = 2000, seed: int = 0
) -> Exponent | None:
    """Fit a power law to the mean regret, and bootstrap over the runs of each horizon.

    Args:
        horizons: Horizons, at least two different ones.
        regrets: Total regret of each run with each horizon, one array of shape (n,) per horizon.
        resamples: Bootstrap samples.
        seed: Of the bootstrap.

    Returns:
        The fit; None where a mean regret is not positive, so that it has no logarithm. The interval tells the noise
        of the runs, not whether a power law is true.

    Raises:
        ValueError: If there are fewer than two horizons.

    >>> fit_exponent([100, 10000], [[10.0, 10.0], [100.0, 100.0]]).exponent
    0.5...
    """
    if len(set(horizons)) < 2:
        raise ValueError(f"horizons are {list(horizons)}; a slope needs two different ones")
    x = np.log(np.asarray(horizons, dtype=np.float64))
    samples = [np.asarray(values, dtype=np.float64) for values in regrets]
    means = np.array([np.mean(values) for values in samples])
    if np.any(means <= 0.0):
        return None
    exponent = float(_slope(x, np.log(means)))
    factor = float(np.exp(np.mean(np.log(means)) - exponent * np.mean(x)))
    if min(len(values) for values in samples) < 2:  # a single observation says nothing of its own noise
        return Exponent(exponent, np.nan, np.nan, factor)
    rng = np.random.default_rng(seed)
    resampled = np.stack(
        [rng.multinomial(len(v), np.full(len(v), 1.0 / len(v)), size=resamples) @ v / len(v) for v in samples], axis=1
    )
    resampled = np.maximum(resampled, np.min(means) * 1e-6)  # a resample may fall below 0; a slope needs its logarithm
    lower, upper = np.quantile(_slope(x, np.log(resampled)), [0.025, 0.975])
    return Exponent(exponent, float(lower), float(upper), factor)


def _slope(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Least-squares slopes of y, shape (..., n), over x, shape (n,)."""
    centred = x - np.mean(x)
    return np.asarray(y @ centred / np.sum(centred**2))
