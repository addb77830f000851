"""verl 0.5 to 0.7: a sampler through which a curriculum chooses the rows of every batch.

Named in verl's own configuration; see the page on other trainers. verl has no such sampler since 0.8.
"""

from .sampler import CurriculumSampler

__all__ = ["CurriculumSampler"]
