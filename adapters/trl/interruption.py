"""Stop as asked: at SIGTERM the step is finished, a checkpoint saved, and training ends as it does at its last step.

Clusters send SIGTERM shortly before they take a machine away. Signals reach processes at different moments, so all of
them agree after each step whether one was asked to stop.
"""

from __future__ import annotations

import logging
import signal
import threading
from types import FrameType
from typing import Any

import torch
from accelerate import PartialState
from accelerate.utils import reduce
from transformers import TrainerCallback

__all__ = ["StopCleanly"]

logger = logging.getLogger(__name__)


class StopCleanly(TrainerCallback):
    """A callback for any trainer of transformers: saves and stops after the step in which a signal came.

    The handlers that were there before come back when training ends. A second signal is theirs again, so that a user
    who cannot wait can end the process at once.

    Args:
        signals: Which signals ask to stop.

    Attributes:
        stopped: Whether training ended for that reason.
    """

    def __init__(self, signals: tuple[signal.Signals, ...] = (signal.SIGTERM,)) -> None:
        self._signals = signals
        self._before: dict[signal.Signals, Any] = {}
        self._asked = False
        self.stopped = False

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Listen from now on."""
        self._asked = self.stopped = False
        if threading.current_thread() is threading.main_thread():  # no other may listen
            self._before = {number: signal.signal(number, self._ask) for number in self._signals}

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Agree with the other processes; if one was asked to stop, save and stop."""
        processes = PartialState()
        asked = self._asked
        if processes.num_processes > 1:
            flag = torch.tensor(float(asked), device=processes.device)
            asked = bool(reduce(flag, reduction="sum").item() > 0)
        if asked:
            logger.warning("asked to stop: saving a checkpoint after step %d", state.global_step)
            control.should_save = True
            control.should_training_stop = True
            self.stopped = True

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Give the handlers back."""
        self._give_back()

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._asked = True
        self._give_back()

    def _give_back(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}
