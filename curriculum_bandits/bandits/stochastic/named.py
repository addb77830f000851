r"""The stochastic bandits by name: each is a rule over arm statistics, with its published tuning, and one of our own.

All take ``n_arms`` K, ``runs`` (independent runs) and ``utility_range``, [0, 1] by default. Where a tuning depends on
the ``horizon``, T rounds, it comes second; the number of changes :math:`\Upsilon`, 1 to T, is ``changes``, and
``xi`` is :math:`\xi`, 1/2 in the experiments of its authors and above 1/2 in their theorem.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

from curriculum_bandits.bandits._require import require
from curriculum_bandits.bandits.stochastic.arm_statistics import Cumulative, Discounted, SlidingWindow
from curriculum_bandits.bandits.stochastic.change_posterior import ChangePosterior
from curriculum_bandits.bandits.stochastic.epsilon_greedy import EpsilonGreedy
from curriculum_bandits.bandits.stochastic.glr import GlrKlUcb, SinceChange
from curriculum_bandits.bandits.stochastic.index import kl_ucb_index, ucb_index
from curriculum_bandits.bandits.stochastic.index_bandit import IndexBandit
from curriculum_bandits.bandits.stochastic.switching_thompson import SwitchingThompson
from curriculum_bandits.bandits.stochastic.thompson import ThompsonSampling

__all__ = [
    "discounted_thompson",
    "discounted_ucb",
    "epsilon_greedy",
    "glr_kl_ucb",
    "kl_ucb",
    "sliding_window_ucb",
    "switching_thompson",
    "thompson",
    "ucb1",
]

Range = tuple[float, float]


def ucb1(n_arms: int, *, runs: int | None = None, utility_range: Range = (0.0, 1.0)) -> IndexBandit:
    r"""UCB1: mean gain plus :math:`\sqrt{2 \ln n / N}`.

    Source: Auer, Cesa-Bianchi & Fischer, "Finite-time Analysis of the Multiarmed Bandit Problem", 2002, figure 1.
    """
    return IndexBandit(Cumulative(n_arms, runs=runs), ucb_index, utility_range=utility_range)


def discounted_ucb(
    n_arms: int,
    horizon: int,
    *,
    changes: int = 1,
    xi: float = 0.5,
    runs: int | None = None,
    utility_range: Range = (0.0, 1.0),
) -> IndexBandit:
    r"""Discounted UCB: discounted mean plus :math:`2\sqrt{\xi \ln n_t(\gamma) / N_t(\gamma)}`.

    :math:`\gamma = 1 - \frac14 \sqrt{\Upsilon / T}`, the tuning of the remark after the theorem, and at
    :math:`\Upsilon = 1` that of the experiments.

    Source: Garivier & Moulines, "On Upper-Confidence Bound Policies for Switching Bandit Problems", ALT 2011.

    >>> round(discounted_ucb(3, 10_000).statistics.gamma, 6)
    0.9975
    """
    gamma = 1.0 - 0.25 * math.sqrt(_checked(changes, horizon) / horizon)
    statistics = Discounted(n_arms, gamma=gamma, runs=runs)
    return IndexBandit(statistics, partial(ucb_index, width=4.0 * xi), utility_range=utility_range)


def sliding_window_ucb(
    n_arms: int,
    horizon: int,
    *,
    changes: int = 1,
    xi: float = 0.5,
    runs: int | None = None,
    utility_range: Range = (0.0, 1.0),
) -> IndexBandit:
    r"""Sliding-window UCB: mean over the window plus :math:`\sqrt{\xi \ln \min(t, \tau) / N_t(\tau)}`.

    :math:`\tau = 2 \sqrt{T \ln T / \Upsilon}`, the tuning of the remark after the theorem.

    Source: Garivier & Moulines, "On Upper-Confidence Bound Policies for Switching Bandit Problems", ALT 2011.

    >>> sliding_window_ucb(3, 5000, changes=4).statistics.window
    206
    """
    window = max(1, math.floor(2.0 * math.sqrt(horizon * math.log(horizon) / _checked(changes, horizon))))
    statistics = SlidingWindow(n_arms, window=window, runs=runs)
    return IndexBandit(statistics, partial(ucb_index, width=xi), utility_range=utility_range)


def kl_ucb(n_arms: int, *, c: float = 0.0, runs: int | None = None, utility_range: Range = (0.0, 1.0)) -> IndexBandit:
    r"""KL-UCB: the largest q with :math:`N\, \mathrm{kl}(S/N, q) \le \ln t + c \ln\ln t`.

    The theorem has a c of 3; the paper recommends 0 in practice.

    Source: Garivier & Cappé, "The KL-UCB Algorithm for Bounded Stochastic Bandits and Beyond", COLT 2011.
    """
    return IndexBandit(Cumulative(n_arms, runs=runs), partial(kl_ucb_index, c=c), utility_range=utility_range)


def glr_kl_ucb(
    n_arms: int,
    horizon: int,
    *,
    changes: int | None = None,
    exploration: float = 0.05,
    restart: Literal["local", "global"] = "local",
    test_every: int = 10,
    split_every: int = 10,
    runs: int | None = None,
    utility_range: Range = (0.0, 1.0),
) -> GlrKlUcb:
    r"""GLR-klUCB: kl-UCB with a test for changes, tuned for a horizon and, if known, a number of changes.

    With :math:`c = K` for local restarts and 1 for global ones, :math:`\delta = 1/\sqrt{c \Upsilon T}` and the share of
    plays in turn is :math:`\alpha = \alpha_0 \sqrt{c \Upsilon \ln T / T}`. Where the number of changes is not known,
    :math:`\delta = 1/\sqrt T` and :math:`\alpha_k = \alpha_0 \sqrt{k K \ln T / T}` in the k-th episode.

    The `exploration` :math:`\alpha_0` is 1 in the theorem and 0.05 in the experiments; the other settings are those of
    `SinceChange`.

    Source: Besson, Kaufmann, Maillard & Seznec, "Efficient Change-Point Detection for Tackling Piecewise-Stationary
    Bandits", JMLR 2022, and its code (unknown number of changes); Besson, "Multi-Players Bandit Algorithms for
    Internet of Things Networks", thesis 2019, chapter 6 (known number, and the constants of the experiments).
    """
    require("[1, inf)", horizon=horizon)
    if changes is None:
        budget, delta = n_arms, 1.0 / math.sqrt(horizon)
    else:
        budget = _checked(changes, horizon) * (n_arms if restart == "local" else 1)
        delta = 1.0 / math.sqrt(budget * horizon)
    alpha = min(1.0, exploration * math.sqrt(budget * math.log(horizon) / horizon))
    statistics = SinceChange(
        n_arms, delta=delta, restart=restart, test_every=test_every, split_every=split_every, runs=runs
    )
    return GlrKlUcb(statistics, exploration=alpha, growing=changes is None, utility_range=utility_range)


def thompson(n_arms: int, *, runs: int | None = None, utility_range: Range = (0.0, 1.0)) -> ThompsonSampling:
    """Thompson sampling with a uniform prior.

    Source: Thompson 1933; Agrawal & Goyal, "Analysis of Thompson Sampling for the Multi-armed Bandit Problem", COLT
    2012.
    """
    return ThompsonSampling(Cumulative(n_arms, runs=runs), utility_range=utility_range)


def discounted_thompson(
    n_arms: int, *, gamma: float = 0.95, runs: int | None = None, utility_range: Range = (0.0, 1.0)
) -> ThompsonSampling:
    r"""Thompson sampling whose pseudo-counts of all arms are multiplied by :math:`\gamma` once a round.

    Source: Raj & Kalyani, "Taming Non-stationary Bandits: A Bayesian Approach", arXiv 1707.09727.
    """
    return ThompsonSampling(Discounted(n_arms, gamma=gamma, runs=runs), utility_range=utility_range)


def switching_thompson(
    n_arms: int,
    horizon: int,
    *,
    hazard: float | None = None,
    sharpness: float = 3.0,
    contagion: float = 0.5,
    discounts: Sequence[float] = (1.0, 0.97),
    idle: float = 0.999,
    hypotheses: int = 24,
    runs: int | None = None,
    utility_range: Range = (0.0, 1.0),
) -> SwitchingThompson:
    r"""Thompson sampling over when each arm last changed; it is told neither the changes nor their number.

    The defaults were found by trying, on instances that the documentation names beside the results. A `hazard` of None
    is :math:`1 / (2 T)`, half a change of each arm; `sharpness` is that of `SwitchingThompson`, 1 explores more; the
    other settings are those of `ChangePosterior`.

    Source: derived here; see `ChangePosterior`.
    """
    require("[1, inf)", horizon=horizon)
    statistics = ChangePosterior(
        n_arms,
        hazard=0.5 / horizon if hazard is None else hazard,
        contagion=contagion,
        discounts=discounts,
        idle=idle,
        hypotheses=hypotheses,
        runs=runs,
    )
    return SwitchingThompson(statistics, sharpness=sharpness, utility_range=utility_range)


def epsilon_greedy(
    n_arms: int,
    *,
    epsilon: float | Callable[[int], float] = 0.1,
    plays: int = 1,
    runs: int | None = None,
    utility_range: Range = (0.0, 1.0),
) -> EpsilonGreedy:
    r"""Epsilon-greedy with a constant share of random rounds, or a schedule such as `InverseTime`.

    See `EpsilonGreedy` for `epsilon` and `plays`.

    Source: Sutton & Barto, "Reinforcement Learning", section 2.2 (constant 0.1); Auer, Cesa-Bianchi & Fischer 2002,
    figure 3 (schedule).
    """
    return EpsilonGreedy(Cumulative(n_arms, runs=runs), epsilon=epsilon, plays=plays, utility_range=utility_range)


def _checked(changes: int, horizon: int) -> int:
    require(f"[1, {horizon}]", changes=changes)
    return changes
