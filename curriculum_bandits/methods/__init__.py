"""Every published method as one constructor that returns a `Curriculum`."""

from curriculum_bandits.methods.osmd import osmd
from curriculum_bandits.methods.uniform import uniform

__all__ = ["osmd", "uniform"]
