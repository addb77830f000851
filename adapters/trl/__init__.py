"""TRL: a `GRPOTrainer` whose next batch is chosen by a curriculum.

Install with ``pip install 'curriculum-bandits[llm]'``.
"""

from curriculum_bandits.extras import require_extra

require_extra("trl", "llm")

from .checkpoints import last_complete_checkpoint  # noqa: E402  (after the check, whose message is the kinder one)
from .interruption import StopCleanly  # noqa: E402
from .rewards import bank_reward  # noqa: E402
from .trainer import CurriculumGRPOTrainer  # noqa: E402

__all__ = ["CurriculumGRPOTrainer", "StopCleanly", "bank_reward", "last_complete_checkpoint"]
