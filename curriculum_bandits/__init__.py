"""What should a learner train on next? A non-stationary bandit over problems, independent of any model.

>>> import curriculum_bandits as cb
>>> bank = cb.ProblemBank(["1+1=", "12*34=", "prove it"], groups=["add", "mul", "proof"])
>>> curriculum = cb.methods.osmd(bank, seed=0)
>>> draw = curriculum.ask(2)
>>> curriculum.tell(draw, [0.02, 0.0])
"""

from importlib.metadata import version

from curriculum_bandits import bandits, checkpoint, filters, methods, sampling, signals
from curriculum_bandits.bank import ProblemBank
from curriculum_bandits.collector import Answered, Collector, Task
from curriculum_bandits.curriculum import Curriculum
from curriculum_bandits.delayed import Delayed
from curriculum_bandits.draw import Draw, Feedback, Ticket
from curriculum_bandits.loop import Learner, run
from curriculum_bandits.methods.registry import load
from curriculum_bandits.rollouts import Rollouts

__version__ = version("curriculum-bandits")

__all__ = [
    "Answered",
    "Collector",
    "Curriculum",
    "Delayed",
    "Draw",
    "Feedback",
    "Learner",
    "ProblemBank",
    "Rollouts",
    "Task",
    "Ticket",
    "bandits",
    "checkpoint",
    "filters",
    "load",
    "methods",
    "run",
    "sampling",
    "signals",
]
