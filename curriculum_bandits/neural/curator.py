"""The neural curator: OSMD with generalisation, under the contract of the tabular bandits.

It looks at a candidate set, scores it, draws, and takes a few gradient steps on the OSMD loss when the answer comes.
What it costs depends on the candidates, never on the size of the bank. The loss is in `losses`, the network in
`scorers`, what the network reads in `inputs`; here is only what connects them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from scipy.special import entr

from curriculum_bandits._typing import override
from curriculum_bandits.bandits.arrays import checked_utilities
from curriculum_bandits.bandits.contract import (
    ArrayLike,
    Bandit,
    Extra,
    FloatArray,
    IntArray,
    RefusedUtility,
    Selection,
)
from curriculum_bandits.neural.history import History
from curriculum_bandits.neural.inputs import Inputs
from curriculum_bandits.neural.learning import Answer, Learning
from curriculum_bandits.neural.losses import log_probabilities
from curriculum_bandits.neural.processes import Processes
from curriculum_bandits.neural.samplers import exact
from curriculum_bandits.neural.scorers import Scorer
from curriculum_bandits.neural.settings import CuratorSettings
from curriculum_bandits.sampling.candidates import CandidateGenerator, ShuffledCandidates, UniformCandidates
from curriculum_bandits.state import Array, Count, Field, Fixed, Part, Real, Stateful

__all__ = ["NeuralCurator"]

_PLAIN = CuratorSettings()
_LARGEST = 1e30  # beyond, squares of float32 overflow


class _Numbers(Field):
    """Real numbers by name, nan among them."""

    @override
    def save(self, value: dict[str, float]) -> dict[str, Any]:
        return {"names": list(value), "values": np.array(list(value.values()), dtype=np.float64)}

    @override
    def checked(self, saved: Any, present: Any, owner: Any) -> dict[str, float]:
        if not isinstance(saved, Mapping) or set(saved) != {"names", "values"}:
            raise ValueError("does not hold names and values")
        names = [str(name) for name in saved["names"]]
        numbers = Array(finite=False, shape=lambda _: (len(names),), dtype=np.float64)
        return dict(zip(names, numbers.checked(saved["values"], None, owner).tolist(), strict=True))


class NeuralCurator(Stateful, Bandit):
    """Chooses problems by the scores of a network, and trains the network on what they paid.

    Args:
        inputs: What the scorer reads about each problem; its length is the size of the bank.
        scorer: The network. It is moved to `device` and kept in evaluation mode, so that scores do not vary by chance.
        settings: Every switch.
        proposal: Where candidates come from; None makes the one that the settings name.
        groups: Group of each problem, shape (N,), for coverage and staleness by group; None puts all into one.
        group_names: Their names, for the diagnostics.
        device: Where the scorer runs; None leaves it where it is.
        collective: Every process of the default process group calls `select` and `update` together: scoring and
            gradients are shared out, process 0 decides, and all end with the same weights.

    Raises:
        ValueError: If the settings ask for predicted utilities and the scorer has no second head.

    Source: Gu et al., "Actor-Curator", arXiv 2602.20532; which switch is whose is said in the settings.
    """

    STATE: ClassVar[Mapping[str, Field]] = {
        "n_arms": Fixed("load the bank it was saved with"),
        "_draws": Count(),
        "_updates": Count(),
        "_mean_square": Real(low=0.0),
        "_entropy": Real(),
        "_last": _Numbers(),
        "_learning": Part(),
        "proposal": Part(),
        "_history": Part(),
    }

    def __init__(
        self,
        inputs: Inputs,
        scorer: Scorer,
        settings: CuratorSettings = _PLAIN,
        *,
        proposal: CandidateGenerator | None = None,
        groups: IntArray | None = None,
        group_names: list[str] | None = None,
        device: str | torch.device | None = None,
        collective: bool = False,
    ) -> None:
        self.n_arms, self.inputs, self.settings = len(inputs), inputs, settings
        self.scorer = (scorer if device is None else scorer.to(device)).eval()
        made = UniformCandidates if settings.proposal == "uniform" else ShuffledCandidates
        self.proposal = made(self.n_arms) if proposal is None else proposal
        self._own_proposal = proposal is None
        if groups is not None and len(groups) != self.n_arms:
            raise ValueError(f"groups has {len(groups)} entries for {self.n_arms} problems; give one per problem")
        self._processes = Processes(collective)
        self._learning = Learning(self.scorer, settings, self._processes)
        self._history = History(self.n_arms, settings.window, groups)
        self._group_names = group_names
        self._draws = self._updates = 0
        self._mean_square = 0.0
        self._entropy = math.log(self.n_arms)
        self._last: dict[str, float] = {}
        self._proposed: tuple[IntArray, FloatArray | None] | None = None
        self._read: tuple[IntArray, list[Any]] | None = None

    @property
    def collective(self) -> bool:
        """Whether every process must call it."""
        return self._processes.collective

    @property
    def device(self) -> torch.device:
        """Where the scorer runs."""
        return next(self.scorer.parameters()).device

    def probabilities_of(self, candidates: IntArray) -> FloatArray:
        """p_t over distinct candidates (M,): the distribution that `select` would draw from, shape (M,).

        Raises:
            FloatingPointError: If a score is not finite.
        """
        scores = self._learning.scores(self._rows(candidates), len(candidates)).cpu()
        if not bool(torch.isfinite(scores).all()):
            item = int(candidates[int(torch.argmin(torch.isfinite(scores).to(torch.int8)))])
            raise FloatingPointError(
                f"the score of problem {item} is not finite; lower the learning rate, or let the scorer run in float32"
            )
        log_p = log_probabilities(scores.double(), temperature=self.settings.temperature, floor=self.settings.floor)
        p = np.asarray(torch.exp(log_p).numpy())
        return np.asarray(p / p.sum())

    @override
    def select(self, size: int, rng: np.random.Generator, candidates: IntArray | None = None) -> Selection:
        if candidates is None:
            count, most = min(self.settings.candidates, self.n_arms), self.settings.candidates_per_problem
            count = count if most is None else min(count, most * max(size, 1))
        else:
            count = len(candidates)
        if not 1 <= size <= count:
            raise ValueError(
                f"{size} problems are asked for out of {count} candidates; ask for 1 to that many, or raise candidates"
            )
        items, candidate_inclusion = self._processes.agree(lambda: self._candidates(candidates, count, rng))
        number = self._draws + 1
        scored = number >= self.settings.dormant
        uniform = np.full(count, 1.0 / count)
        p_t = self.probabilities_of(items) if scored else uniform
        explores = number <= self.settings.dormant + self.settings.warm_up
        places, inclusion = self._processes.agree(
            lambda: exact(uniform, size, rng) if explores else self.settings.sampler(p_t, size, rng)
        )
        self._draws, self._proposed = number, None
        if scored:
            self._entropy = float(np.sum(entr(p_t))) + math.log(self.n_arms / count)
        return Selection(items[places], p_t[places], inclusion, items, p_t if scored else None, candidate_inclusion)

    def _candidates(
        self, given: IntArray | None, count: int, rng: np.random.Generator
    ) -> tuple[IntArray, FloatArray | None]:
        """The candidate set of a draw, sound; one that was proposed to a draw that failed is used again."""
        if given is None and self._proposed is not None and len(self._proposed[0]) == count:
            return self._proposed
        items, inclusion = (given, None) if given is not None else self.proposal.propose(count, rng)
        items = np.array(items, dtype=np.int64)
        if given is not None or not self._own_proposal:
            inside = items.shape == (count,) and items.min() >= 0 and items.max() < self.n_arms
            different = len(np.unique(items))
            if not inside or different < count:
                raise ValueError(
                    f"{count} different problems of 0..{self.n_arms - 1} are needed as candidates; got shape "
                    f"{items.shape}, {different} of them different"
                )
        if given is None:
            self._proposed = items, inclusion
        return items, inclusion

    @override
    def update(
        self, selection: Selection, values: ArrayLike, *, counts: Extra = None, kl: Extra = None, cost: Extra = None
    ) -> None:
        agreed = self._processes.agree(lambda: np.asarray(values, dtype=np.float64))
        arms, utilities = checked_utilities(selection, agreed, n_arms=self.n_arms)
        gain = 1.0 if self.settings.gain is None else self.settings.gain
        bad = np.abs(utilities) * gain > _LARGEST
        if np.any(bad):
            position = int(np.argmax(bad))
            remedy = f"report a finite number below {_LARGEST / gain:.0e} in size"
            raise RefusedUtility(int(arms[position]), position, float(utilities[position]), remedy)
        self.settings.loss.check(selection.inclusion)
        candidates = np.arange(self.n_arms) if selection.candidates is None else selection.candidates
        utilities = utilities / (1.0 + _attention(selection, len(candidates))) ** self.settings.congestion
        p_t = selection.candidate_probability
        if p_t is not None:  # else a dormant draw
            means = self._history.preview(arms, utilities)
            mean_square = self._mean_square_with(means)
            paid = means * self._gain(mean_square)
            answer = Answer(p_t, _places(candidates, arms), paid, selection.inclusion)
            self._last = self._learning.learn(self._rows(candidates), answer)
            self._mean_square = mean_square
        # Last, so that an answer that could not be learned from can be given again.
        self._updates += 1
        self._history.record(arms, utilities, self._updates)

    def diagnostics(self) -> dict[str, float]:
        """How the curator is doing.

        Returns:
            ``entropy`` of the last distribution, with the candidates standing for the bank (nats). After an update also
            ``loss``, ``ratio_max``, ``clip_fraction`` (of the last gradient step), ``gradient_norm``,
            ``learning_rate``, ``score_correlation`` (of log p_t with the observed utilities), with a second head
            ``prediction_correlation`` and ``prediction_error`` (mean squared, in units of the utilities learned from),
            ``skipped_steps`` so far for gradients that were not finite; and ``coverage`` and ``staleness`` (updates
            since a problem was observed, on average) over the bank, by group as ``coverage/<group>``.
        """
        numbers = {"entropy": self._entropy, **self._last}
        coverage, staleness = self._history.coverage(), self._history.staleness(self._updates)
        for name, by_group in (("coverage", coverage), ("staleness", staleness)):
            numbers[name] = float(np.average(by_group, weights=self._history.group_sizes))
            if self._group_names is not None:
                named = zip(self._group_names, by_group, strict=True)
                numbers.update({f"{name}/{group}": float(value) for group, value in named})
        return numbers

    @override
    def _put(self, values: Mapping[str, Any]) -> None:
        super()._put(values)
        self._proposed = None  # by a draw that failed before

    def _rows(self, items: IntArray) -> list[Any]:
        """What the scorer reads about this process's share of the candidates, in chunks.

        The last ones are kept: an answer mostly follows its draw.
        """
        if self._read is not None and np.array_equal(self._read[0], items):
            return self._read[1]
        own = items[self._processes.share(len(items))]
        chunk = self.settings.chunk or max(len(own), 1)
        starts = range(0, len(own), chunk)
        rows = self._processes.alike(lambda: [self.inputs(own[i : i + chunk], self.device) for i in starts])
        self._read = items.copy(), rows
        return rows

    def _mean_square_with(self, utilities: FloatArray) -> float:
        """The running mean square with these in it: of the first few their mean, then a moving average."""
        weight = 1.0 / min(self._learning.updates + 1, self.settings.memory)
        return self._mean_square + (float(np.mean(utilities**2)) - self._mean_square) * weight

    def _gain(self, mean_square: float) -> float:
        """The factor on utilities: the constant c, or one over their running root mean square."""
        by_size = 1.0 / math.sqrt(mean_square) if mean_square > 0.0 else 0.0
        return by_size if self.settings.gain is None else self.settings.gain


def _attention(selection: Selection, candidates: int) -> FloatArray:
    """How much likelier than by chance each arm was drawn, out of so many candidates: 1 under uniform draws."""
    if selection.inclusion is None:
        return candidates * selection.probability
    return candidates / len(selection.arms) * selection.inclusion


def _places(candidates: IntArray, items: IntArray) -> IntArray:
    order = np.argsort(candidates)
    return np.asarray(order[np.searchsorted(candidates, items, sorter=order)], dtype=np.int64)
