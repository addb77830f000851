"""Gymnasium: a curriculum over the tasks of any environment, one environment or many as one.

Install with ``pip install 'curriculum-bandits[gym]'``. Learners, example environments and stable-baselines3 are modules
of their own, which ask for what they need: `adapters.gym.learners`, `.environments` and `.sb3`.
"""

from curriculum_bandits.extras import require_extra

require_extra("gymnasium", "gym")

from .rebuilt import Rebuilt  # noqa: E402  (after the check, whose message is the kinder one)
from .stream import Episode, TaskStream  # noqa: E402
from .vector import CurriculumVectorEnv, TaskReceiver  # noqa: E402
from .wrapper import CurriculumEnv  # noqa: E402

__all__ = [
    "CurriculumEnv",
    "CurriculumVectorEnv",
    "Episode",
    "Rebuilt",
    "TaskReceiver",
    "TaskStream",
]
