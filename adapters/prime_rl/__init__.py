"""prime-rl: a task sampler through which a curriculum chooses the tasks of an environment.

Written against prime-rl's interface and never run inside it; see the page on other trainers.
"""

from .task_sampler import CurriculumTaskSampler

__all__ = ["CurriculumTaskSampler"]
