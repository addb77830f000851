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
    """A callback for any trainer of transformers: saves and stops after the step in which SIGTERM came.

    The handler that was there before comes back when training ends. A second signal is its again, so that a user who
    cannot wait can end the process at once.

    Attributes:
        stopped: True if training ended for that reason.
    """

    def __init__(self) -> None:
        self._before: Any = None
        self._asked = False
        self.stopped = False

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Listen from now on."""
        self._asked = self.stopped = False
        if threading.current_thread() is threading.main_thread():  # no other may listen
            self._before = signal.signal(signal.SIGTERM, self._ask)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Agree with the other processes; if one was asked to stop, save and stop."""
        processes = PartialState()
        asked = reduce(torch.tensor(float(self._asked), device=processes.device), reduction="sum")
        if asked.item() > 0:
            logger.warning("asked to stop: saving a checkpoint after step %d", state.global_step)
            control.should_save = True
            control.should_training_stop = True
            self.stopped = True

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Give the handler back."""
        self._give_back()

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._asked = True
        self._give_back()

    def _give_back(self) -> None:
        if self._before is not None:
            signal.signal(signal.SIGTERM, self._before)
        self._before = None
