"""Ask and tell: the one object a training loop talks to.

It owns what a bandit must not know: the bank, the tickets of draws still unanswered, the random state, and the
order in which answers may come. A draw is answered with the numbers it was drawn with; nothing is computed again.
"""

from __future__ import annotations

import operator
import os
import uuid
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from scipy.special import entr

from curriculum_bandits.arms import Arms
from curriculum_bandits.bandits.contract import (
    Bandit,
    CandidateSelection,
    Curator,
    Diagnosed,
    EvidenceBandit,
    RandomizedBandit,
    RefusedUtility,
)
from curriculum_bandits.bank import ProblemBank
from curriculum_bandits.checkpoint import save_state
from curriculum_bandits.draw import Draw, Feedback, Ticket
from curriculum_bandits.rollouts import Rollouts
from curriculum_bandits.settings import Settings
from curriculum_bandits.signals import Signal, needs_log_ratio

__all__ = ["Curriculum"]

_FORMAT = 3


class Curriculum:
    """A bandit, or a curator that generalises, over the problems of a bank.

    Several draws may be unanswered at a time and may be answered late or out of order; they are part of the state.

    Args:
        bank: The problems.
        bandit: The learning rule, over as many arms as `arms` has.
        signal: What a batch of rollouts says about each problem.
        arms: What an arm stands for; None makes every problem an arm, and takes no memory however large the bank.
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

    def __init__(
        self,
        bank: ProblemBank,
        bandit: Bandit | Curator,
        signal: Signal,
        *,
        arms: Arms | None = None,
        name: str,
        seed: int = 0,
    ) -> None:
        self.bank = bank
        self.bandit = bandit
        self.name = name
        self.settings = Settings()
        self.arms = arms
        if arms is not None and len(arms.arm_of) != len(bank):
            raise ValueError(f"arms cover {len(arms.arm_of)} problems, the bank has {len(bank)}; build them from it")
        if arms is not None and isinstance(bandit, Curator):
            raise ValueError("a curator chooses among problems; give no arms")
        n_arms = len(bank) if arms is None else len(arms)
        if bandit.n_arms != n_arms:
            raise ValueError(f"the bandit has {bandit.n_arms} arms where {n_arms} are needed")
        # Asked once: telling whether an object keeps a protocol takes longer than a small bandit's update.
        self._curates, self._weighs = isinstance(bandit, Curator), isinstance(bandit, EvidenceBandit)
        self._signal = signal
        self._rng = np.random.default_rng(seed)
        self._run = uuid.uuid4().hex[:12]
        self._serial = 0
        self._outstanding: dict[int, Draw] = {}

    def __repr__(self) -> str:
        """The call that made it, with what differs from the defaults."""
        return f"{self.name}({', '.join(filter(None, ('bank', str(self.settings))))})"

    @property
    def outstanding(self) -> tuple[Draw, ...]:
        """Draws not yet answered, oldest first."""
        return tuple(self._outstanding.values())

    @property
    def together(self) -> bool:
        """Whether every process must ask, tell and load: a curator that scores in all of them says so."""
        return bool(getattr(self.bandit, "together", False))

    @property
    def needs_log_ratio(self) -> bool:
        """Whether `signal` reads how far the update moved the policy; where not, rollouts need no second scoring."""
        return needs_log_ratio(self._signal)

    def ask(self, size: int) -> Draw:
        """Draw the next batch.

        Args:
            size: Number of problems, at most the size of the bank.

        Returns:
            The draw; pass it to `tell` with what the batch brought.

        Raises:
            ValueError: If `size` is below 1 or above the size of the bank. No draw is issued then.
        """
        size = operator.index(size)
        if not 1 <= size <= len(self.bank):
            raise ValueError(
                f"a batch of {size} is asked for; the bank has {len(self.bank)} problems, ask for 1 to that"
            )
        selection = self.bandit.select(size, self._rng)
        items, probability, inclusion = selection[:3]
        chosen_among = selection[3:] if isinstance(selection, CandidateSelection) else (None, None, None)
        if self.arms is not None:
            items = self.arms.problems(selection.arms, self._rng)
            sizes = self.arms.sizes[selection.arms]
            probability = probability / sizes
            inclusion = None if inclusion is None else inclusion / sizes
        draw = Draw(items, probability, inclusion, Ticket(self._run, self._serial), *chosen_among)
        self._outstanding[self._serial] = draw
        self._serial += 1
        return draw

    def signal(self, rollouts: Rollouts) -> Feedback:
        """What a batch of rollouts says about each of its problems, by this method's own signal.

        Args:
            rollouts: Row j belongs to ``draw.items[j]``.

        Returns:
            Values and counts, shape (m,) each.
        """
        return self._signal(rollouts)

    def tell(self, draw: Draw, feedback: Feedback | npt.ArrayLike) -> None:
        """Answer a draw.

        Items that are missing teach nothing; the inclusion of the others is scaled by answered / m, so that sums stay
        unbiased when answers are lost at random.

        Args:
            draw: A draw of this curriculum, not answered yet.
            feedback: `Feedback`, or a plain array of utilities, shape (m,), which counts as complete.

        Raises:
            ValueError: If the draw is of another run, was answered or discarded, or a utility is not finite (the
                message names the problem) or the shape is wrong. The state is then as it was, and the draw still open.
        """
        issued = self._claim(draw)
        if not isinstance(feedback, Feedback):
            values = np.asarray(feedback, dtype=np.float64)
            if values.ndim != 1:
                raise ValueError(
                    f"utilities have shape {values.shape}; give one number per problem, shape ({len(issued)},)"
                )
            feedback = Feedback(values, np.ones(len(values), dtype=np.int64))
        if len(feedback) != len(issued):
            raise ValueError(f"{len(feedback)} utilities answer a draw of {len(issued)} problems; give one per problem")
        answered = feedback.answered
        bad = answered & ~np.isfinite(feedback.values)
        if np.any(bad):
            position = int(np.argmax(bad))
            remedy = "report a finite number, or Feedback with a count of 0 if it is missing"
            raise self._refusal(int(issued.items[position]), float(feedback.values[position]), remedy)
        if np.any(answered):
            try:
                self._teach(issued, answered, feedback.only(answered))
            except RefusedUtility as refused:
                item = int(issued.items[answered][refused.position])
                raise self._refusal(item, refused.value, refused.remedy) from None
        del self._outstanding[issued.ticket.serial]

    def _teach(self, issued: Draw, answered: npt.NDArray[np.bool_], evidence: Feedback) -> None:
        """Pass on what was answered, in units of arms; fewer answers make each inclusion smaller."""
        items, inclusion = issued.items[answered], issued.inclusion
        if inclusion is not None:
            inclusion = inclusion[answered] * (len(items) / len(issued))
        if self._curates:
            assert issued.candidates is not None
            chosen_among = (issued.candidates, issued.candidate_probability, issued.candidate_inclusion)
            selection = CandidateSelection(items, issued.probability[answered], inclusion, *chosen_among)
            cast(Curator, self.bandit).update_from(selection, np.array(evidence.values))
            return
        if self.arms is not None:
            items = self.arms.arm_of[items]
            # The inclusion of an arm is that of each of its problems times their number.
            inclusion = None if inclusion is None else inclusion * self.arms.sizes[items]
        if self._weighs:
            cast(EvidenceBandit, self.bandit).update_on_evidence(items, inclusion, evidence)
        else:
            cast(Bandit, self.bandit).update(items, inclusion, np.array(evidence.values))

    def discard(self, draw: Draw) -> None:
        """Give up a draw that will never be answered.

        Args:
            draw: A draw of this curriculum, not answered yet.

        Raises:
            ValueError: As `tell`.
        """
        del self._outstanding[self._claim(draw).ticket.serial]

    def entropy(self) -> float:
        """Entropy over problems of the current distribution, in nats; nan for a bandit without one.

        Its exponential is the effective number of problems. A curator scores candidates only; its own estimate for the
        whole bank is given.
        """
        if isinstance(self.bandit, RandomizedBandit):
            probability = self.bandit.probabilities()
            return float(np.sum(entr(probability))) if self.arms is None else self.arms.entropy(probability)
        return self.diagnostics().get("entropy", float("nan"))

    def diagnostics(self) -> dict[str, float]:
        """What the bandit says about itself, for logs; empty for one that says nothing."""
        return dict(self.bandit.diagnostics()) if isinstance(self.bandit, Diagnosed) else {}

    def state_dict(self) -> dict[str, Any]:
        """Everything that continues this curriculum bit for bit, as arrays and plain numbers."""
        return {
            "format": _FORMAT,
            "method": self.name,
            "settings": self.settings.state_dict(),
            "bank": self.bank.fingerprint,
            "run": self._run,
            "serial": self._serial,
            "random": self._rng.bit_generator.state,
            "bandit": self.bandit.state_dict(),
            "arms": None if self.arms is None else self.arms.state_dict(),
            "outstanding": [draw.state_dict() for draw in self._outstanding.values()],
        }

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write method, settings and state to one file, which `curriculum_bandits.load` reads.

        Args:
            path: File to write; it is replaced in one step.
        """
        save_state(path, self.state_dict())

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state, bit for bit.

        Args:
            state: What `state_dict` returned, for the same method, settings and bank. The seed may be another: the
                random state is in the state.

        Raises:
            ValueError: If it is the state of another method, of other settings or of another bank, or of an unknown
                format. The curriculum is then as it was.
        """
        if state.get("format") != _FORMAT:
            raise ValueError(f"the state has format {state.get('format')!r}, this version reads {_FORMAT}")
        if state["method"] != self.name:
            raise ValueError(f"the state belongs to the method {state['method']!r}, this curriculum is {self.name!r}")
        settings = self.settings.continued(state["settings"])
        if state["bank"] != self.bank.fingerprint:
            raise ValueError(
                f"the state was saved with another bank (fingerprint {state['bank']}, this bank has "
                f"{self.bank.fingerprint}); load the bank it was saved with: same prompts, ids and groups, same order"
            )
        # Everything is read before anything is put in place.
        outstanding = [Draw.from_state_dict(draw) for draw in state["outstanding"]]
        run, serial = str(state["run"]), int(state["serial"])
        rng = np.random.default_rng()
        rng.bit_generator.state = state["random"]
        if (self.arms is None) != (state["arms"] is None):
            raise ValueError("the state was saved with arms of another kind; make the curriculum as it was made then")
        before = None if self.arms is None else self.arms.state_dict()
        if self.arms is not None:
            self.arms.load_state_dict(state["arms"])
        try:
            self.bandit.load_state_dict(state["bandit"])
        except BaseException:
            if self.arms is not None and before is not None:
                self.arms.load_state_dict(before)
            raise
        self._rng, self._run, self._serial, self.settings = rng, run, serial, settings
        self._outstanding = {draw.ticket.serial: draw for draw in outstanding}

    def _claim(self, draw: Draw) -> Draw:
        ticket = draw.ticket
        if ticket.run != self._run:
            raise ValueError(f"the draw belongs to run {ticket.run!r}, this curriculum is run {self._run!r}")
        issued = self._outstanding.get(ticket.serial)
        if issued is None:
            never = ticket.serial >= self._serial
            fate = "was never issued" if never else "was already answered or discarded"
            raise ValueError(f"draw {ticket.serial} {fate}; ask for a new draw and answer each once")
        if not np.array_equal(issued.items, draw.items):
            raise ValueError(f"draw {ticket.serial} holds other items than were issued under this ticket")
        return issued

    def _refusal(self, item: int, value: float, remedy: str) -> ValueError:
        return ValueError(f"the utility of problem {self.bank.ids[item]!r} (item {item}) is {value}; {remedy}")
