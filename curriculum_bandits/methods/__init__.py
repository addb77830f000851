"""Every published method as one constructor that returns a `Curriculum`."""

from curriculum_bandits.methods.mirror_descent import osmd
from curriculum_bandits.methods.neural_curator import actor_curator
from curriculum_bandits.methods.without_feedback import uniform

__all__ = ["actor_curator", "osmd", "uniform"]
