"""Ask and tell: the one object a training loop talks to.

It owns what a bandit must not know: the bank, the tickets of draws still unanswered, the random state, and the
order in which answers may come. A draw is answered with the numbers it was drawn with; nothing is computed again.
"""

from __future__ import annotations

import dataclasses
import operator
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from curriculum_bandits._typing import override
from curriculum_bandits.bandits.contract import Bandit, Diagnosed, RandomizedBandit, RefusedUtility, Selection
from curriculum_bandits.bank import ProblemBank
from curriculum_bandits.batch import Batch
from curriculum_bandits.checkpoint import save_state
from curriculum_bandits.draw import Draw, Feedback, Ticket
from curriculum_bandits.rollouts import Rollouts
from curriculum_bandits.sampling.partition import Partition
from curriculum_bandits.settings import SavedSettings, Settings
from curriculum_bandits.signals import Signal, needs_log_ratio
from curriculum_bandits.state import Count, Field, Fixed, Part, Random, Stateful, Text

__all__ = ["Curriculum"]

_FORMAT = 4


class _Open(NamedTuple):
    """A draw that is not answered, and what the bandit played, which is passed back as it came."""

    draw: Draw
    selection: Selection


class _Outstanding(Field):
    """Open draws by serial number; a selection is saved apart only where arms are not the problems themselves."""

    def save(self, value: dict[int, _Open]) -> Any:
        return [
            {
                "draw": draw.state_dict(),
                "selection": None if draw.items is selection.arms else [_copied(each) for each in selection],
            }
            for draw, selection in value.values()
        ]

    def checked(self, saved: Any, present: Any, owner: Curriculum) -> dict[int, _Open]:
        found: dict[int, _Open] = {}
        try:
            for entry in saved:
                draw, played = Draw.from_state_dict(entry["draw"]), entry["selection"]
                if np.any((draw.items < 0) | (draw.items >= len(owner.bank))):
                    raise ValueError(f"holds item {np.max(draw.items)}; the bank has {len(owner.bank)} problems")
                selection = (
                    owner._selection_of(draw) if played is None else Selection(*[_copied(each) for each in played])
                )
                if len(selection.arms) != len(draw):
                    raise ValueError(f"holds a draw of {len(draw)} problems with {len(selection.arms)} plays")
                for p, q in ((draw.probability, draw.inclusion), (selection.probability, selection.inclusion)):
                    if not np.all((p >= 0.0) & (p <= 1.0 + 1e-9)) or not (
                        q is None or np.all(np.isfinite(q) & (q > 0.0))
                    ):
                        raise ValueError(f"holds a draw with probability {p} and inclusion {q}, which cannot be")
                found[draw.ticket.serial] = _Open(draw, selection)
        except (TypeError, KeyError, IndexError) as error:
            raise ValueError(f"holds no draws ({error!r})") from None
        return found


def _copied(array: Any) -> Any:
    return None if array is None else np.array(array)


class Curriculum(Stateful):
    """A bandit over the problems of a bank, or over groups of them.

    Several draws may be unanswered at a time and may be answered late or out of order; they are part of the state.

    Args:
        bank: The problems.
        bandit: The learning rule, over as many arms as `arms` has.
        signal: Utility per problem from a batch of rollouts.
        arms: The partition of the problems into arms; None makes every problem an arm, and takes no memory however
            large the bank.
        name: Name of the method, for figures and for refusing the state of another.
        seed: Seed of the curriculum's own random generator.

    Attributes:
        settings: Every argument of the constructor in `curriculum_bandits.methods` that made it; empty for one made by
            hand.

    Raises:
        ValueError: If bandit, arms and bank do not fit together.

    >>> from curriculum_bandits import ProblemBank, methods
    >>> curriculum = methods.osmd(ProblemBank(["easy", "right", "hard"]), seed=0)
    >>> draw = curriculum.ask(1)
    >>> curriculum.tell(draw, [0.1])
    >>> curriculum.outstanding
    ()
    """

    STATE: ClassVar[Mapping[str, Field]] = {
        "format": Fixed("save it again with this version"),
        "name": Fixed("make the curriculum by the method it was saved with"),
        "settings": SavedSettings(),
        "_bank_fingerprint": Fixed("load the bank it was saved with: same prompts, ids and groups, same order"),
        "_run": Text(),
        "_serial": Count(),
        "_rng": Random(),
        "arms": Part(optional=True),
        "bandit": Part(),
        "_outstanding": _Outstanding(),
    }

    def __init__(
        self,
        bank: ProblemBank,
        bandit: Bandit,
        signal: Signal,
        *,
        arms: Partition | None = None,
        name: str,
        seed: int = 0,
    ) -> None:
        self.bank, self.bandit, self.name, self.arms = bank, bandit, name, arms
        self.settings = Settings()
        if arms is not None and len(arms.arm_of) != len(bank):
            raise ValueError(f"arms cover {len(arms.arm_of)} problems, the bank has {len(bank)}; build them from it")
        n_arms = len(bank) if arms is None else len(arms)
        if bandit.n_arms != n_arms:
            raise ValueError(f"the bandit has {bandit.n_arms} arms where {n_arms} are needed")
        self._signal = signal
        self._rng = np.random.default_rng(seed)
        self._run, self._serial = uuid.uuid4().hex[:12], 0
        self._outstanding: dict[int, _Open] = {}

    #: Version of the saved form.
    format = _FORMAT

    def __repr__(self) -> str:
        """The call that made it, with what differs from the defaults."""
        return f"{self.name}({', '.join(filter(None, ('bank', str(self.settings))))})"

    @property
    def _bank_fingerprint(self) -> str:
        return self.bank.fingerprint

    @property
    def outstanding(self) -> tuple[Draw, ...]:
        """Draws not yet answered, oldest first."""
        return tuple(draw for draw, _ in self._outstanding.values())

    @property
    def collective(self) -> bool:
        """True if all processes must call ask, tell and load_state_dict collectively."""
        return bool(getattr(self.bandit, "collective", False))

    @property
    def needs_log_ratio(self) -> bool:
        """True if `signal` reads how far the update moved the policy; else rollouts need no second scoring."""
        return needs_log_ratio(self._signal)

    def ask(self, size: int) -> Draw:
        """Draw the next batch.

        Args:
            size: Number of problems, at most the size of the bank.

        Returns:
            The draw; pass it to `tell` with the results of the batch.

        Raises:
            ValueError: If `size` is below 1 or above the size of the bank. No draw is issued then.
        """
        size = operator.index(size)
        if not 1 <= size <= len(self.bank):
            n = len(self.bank)
            raise ValueError(f"a batch of {size} is asked for; the bank has {n} problems, ask for 1 to that")
        selection = self.bandit.select(size, self._rng)
        ticket = Ticket(self._run, self._serial)
        if self.arms is None:
            draw = Draw(*selection[:3], ticket, *selection[3:])
            selection = self._selection_of(draw)
        elif selection.candidates is not None:
            raise ValueError("a bandit that draws among candidates chooses problems, not groups of them; give no arms")
        else:
            sizes = self.arms.sizes[selection.arms]
            inclusion = None if selection.inclusion is None else selection.inclusion / sizes
            draw = Draw(self.arms.problems(selection.arms, self._rng), selection.probability / sizes, inclusion, ticket)
        self._outstanding[self._serial] = _Open(draw, selection)
        self._serial += 1
        return draw

    @contextmanager
    def draw(self, size: int) -> Iterator[Batch]:
        """Draw a batch for the length of a ``with`` block, in which it must be told.

        Args:
            size: Number of problems, at most the size of the bank.

        Yields:
            The batch: its prompts, and `Batch.tell`. If the block raises, the draw is discarded.

        Raises:
            ValueError: As `ask`.
            RuntimeError: If the block ends and the batch was not told; the draw is discarded then.

        >>> from curriculum_bandits import ProblemBank, methods
        >>> curriculum = methods.uniform(ProblemBank(["1+1=", "2*3="]), seed=0)
        >>> with curriculum.draw(2) as batch:
        ...     batch.tell([[0.0, 1.0] for prompt in batch.prompts])
        """
        batch = Batch(self, self.ask(size))
        try:
            yield batch
            if not batch.told:
                raise RuntimeError("the block ended before its batch was told; call batch.tell(rewards) in it")
        finally:
            if not batch.told:
                self.discard(batch.draw)

    def signal(self, rollouts: Rollouts) -> Feedback:
        """Values and counts of each problem, shape (m,) each, by this method's own signal.

        Row j of the rollouts belongs to ``draw.items[j]``; tokens of each problem are its cost where lengths are known.
        """
        feedback = self._signal(rollouts)
        if feedback.cost is None and rollouts.lengths is not None:
            feedback = dataclasses.replace(feedback, cost=np.nansum(rollouts.lengths, axis=1))
        return feedback

    def tell(self, draw: Draw, feedback: Rollouts | Feedback | npt.ArrayLike) -> None:
        """Answer a draw.

        Items that are missing teach nothing; the inclusion of the others is scaled by answered / m, so that sums stay
        unbiased when answers are lost at random.

        Args:
            draw: A draw of this curriculum, not answered yet.
            feedback: `Rollouts`, to which the method's own signal is applied, row j for ``draw.items[j]``; or
                `Feedback`; or a plain array of utilities, shape (m,), which counts as complete.

        Raises:
            ValueError: If the draw is of another run, was answered or discarded, or a utility is not finite (the
                message names the problem) or the shape is wrong. The state is then as it was, and the draw still open.
        """
        issued, selection = self._claim(draw)
        heard = self._heard(feedback, len(issued))
        answered = heard.answered
        bad = answered & ~np.isfinite(heard.values)
        if np.any(bad):
            position = int(np.argmax(bad))
            remedy = "report a finite number, or Feedback with a count of 0 if it is missing"
            raise self._refusal(int(issued.items[position]), float(heard.values[position]), remedy)
        if np.any(answered):
            if not answered.all():
                selection, heard = selection.answered(answered), heard[answered]
            try:
                self.bandit.update(selection, heard.values, counts=heard.counts, kl=heard.kl, cost=heard.cost)
            except RefusedUtility as refused:
                item = int(issued.items[answered][refused.position])
                raise self._refusal(item, refused.value, refused.remedy) from None
        del self._outstanding[issued.ticket.serial]

    def _heard(self, feedback: Rollouts | Feedback | npt.ArrayLike, size: int) -> Feedback:
        """What was told, as feedback on so many problems."""
        if isinstance(feedback, Rollouts):
            feedback = self.signal(feedback)
        elif not isinstance(feedback, Feedback):
            values = np.asarray(feedback, dtype=np.float64)
            if values.ndim != 1:
                raise ValueError(
                    f"utilities have shape {values.shape}; give one number per problem, shape ({size},), or Rollouts"
                )
            feedback = Feedback(values, np.ones(len(values), dtype=np.int64))
        if len(feedback) != size:
            raise ValueError(f"{len(feedback)} utilities answer a draw of {size} problems; give one per problem")
        return feedback

    def discard(self, draw: Draw) -> None:
        """Give up a draw that will never be answered.

        Raises:
            ValueError: As `tell`.
        """
        del self._outstanding[self._claim(draw).draw.ticket.serial]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write method, settings and state to one file, replaced in one step, which `curriculum_bandits.load` reads."""
        save_state(path, self.state_dict())

    def entropy(self) -> float:
        """Entropy over problems of the current distribution, in nats; nan for a bandit without one.

        Its exponential is the effective number of problems. A curator scores candidates only; its own estimate for the
        whole bank is given.
        """
        if isinstance(self.bandit, RandomizedBandit):
            probability = self.bandit.probabilities()
            if self.arms is not None:
                return self.arms.entropy(probability)
            positive = probability[probability > 0.0]
            return float(-np.sum(positive * np.log(positive)))
        return self.diagnostics().get("entropy", float("nan"))

    def diagnostics(self) -> dict[str, float]:
        """The bandit's numbers about itself, for logs; empty for one that has none."""
        return dict(self.bandit.diagnostics()) if isinstance(self.bandit, Diagnosed) else {}

    @override
    def _checked(self, state: Mapping[str, Any]) -> dict[str, Any]:
        values = super()._checked(state)
        for draw, _ in values.get("_outstanding", {}).values():
            run, serial = draw.ticket.run, draw.ticket.serial
            if run != values["_run"] or not 0 <= serial < values["_serial"]:
                raise ValueError(
                    f"the saved state holds an open draw {serial} of run {run!r}, and its own run {values['_run']!r} "
                    f"has {values['_serial']} draws; it is damaged, load another"
                )
        return values

    @staticmethod
    def _selection_of(draw: Draw) -> Selection:
        """What was played, where arms are problems: the arrays of the draw, which are read-only."""
        names = ("items", "probability", "inclusion", "candidates", "candidate_probability", "candidate_inclusion")
        return Selection(*(getattr(draw, name) for name in names))

    def _claim(self, draw: Draw) -> _Open:
        if not hasattr(draw, "ticket"):
            raise TypeError(f"the draw is a {type(draw).__name__}; give what ask returned")
        ticket = draw.ticket
        if ticket.run != self._run:
            raise ValueError(f"the draw belongs to run {ticket.run!r}, this curriculum is run {self._run!r}")
        issued = self._outstanding.get(ticket.serial)
        if issued is None:
            never = ticket.serial >= self._serial
            fate = "was never issued" if never else "was already answered or discarded"
            raise ValueError(f"draw {ticket.serial} {fate}; ask for a new draw and answer each once")
        if not np.array_equal(issued.draw.items, draw.items):
            raise ValueError(f"draw {ticket.serial} holds other items than were issued under this ticket")
        return issued

    def _refusal(self, item: int, value: float, remedy: str) -> ValueError:
        return ValueError(f"the utility of problem {self.bank.ids[item]!r} (item {item}) is {value}; {remedy}")
