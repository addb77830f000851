"""What should a learner train on next? A non-stationary bandit over problems, independent of any model.

>>> import curriculum_bandits as cb
>>> bank = cb.ProblemBank(["1+1=", "12*34=", "prove it"], groups=["add", "mul", "proof"])
>>> curriculum = cb.methods.osmd(bank, seed=0)
>>> draw = curriculum.ask(2)
>>> curriculum.tell(draw, [0.02, 0.0])

The rooms of the package, such as ``cb.bandits``, ``cb.environments``, ``cb.regret`` and ``cb.neural``, are imported on
first use (PEP 562); only the last needs torch.
"""

import importlib
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from curriculum_bandits.bank import ProblemBank
from curriculum_bandits.collector import Answered, Collector, Task
from curriculum_bandits.curriculum import Curriculum
from curriculum_bandits.delayed import Delayed
from curriculum_bandits.draw import Draw, Feedback, Ticket
from curriculum_bandits.loop import Learner, run
from curriculum_bandits.observer import Observer
from curriculum_bandits.rollouts import PendingRollouts, Rollouts

if TYPE_CHECKING:
    from curriculum_bandits import (
        bandits,
        bounds,
        checkpoint,
        environments,
        filters,
        methods,
        neural,
        regret,
        report,
        sampling,
        signals,
        state,
        testing,
        tracking,
    )
    from curriculum_bandits.methods.registry import load

__version__ = version("curriculum-bandits")

__all__ = [
    "Answered",
    "Collector",
    "Curriculum",
    "Delayed",
    "Draw",
    "Feedback",
    "Learner",
    "Observer",
    "PendingRollouts",
    "ProblemBank",
    "Rollouts",
    "Task",
    "Ticket",
    "bandits",
    "bounds",
    "checkpoint",
    "environments",
    "filters",
    "load",
    "methods",
    "neural",
    "regret",
    "report",
    "run",
    "sampling",
    "signals",
    "state",
    "testing",
    "tracking",
]


def __getattr__(name: str) -> Any:
    """Import a room of the package when it is first used."""
    if name == "load":
        return importlib.import_module(f"{__name__}.methods.registry").load
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names."""
    return [*__all__, "__version__"]
