"""The laws that any bandit and any curriculum must keep, as suites that a user's own can be put through.

Each fault found in the bandit libraries people use is one of the laws. The suites are plain classes whose ``test_``
methods pytest collects; without pytest, `check_bandit` and `check_curriculum` try every law and name those broken.
"""

from curriculum_bandits.testing.bandits import BanditConformance, check_bandit
from curriculum_bandits.testing.curricula import AskAndTell, CurriculumConformance, check_curriculum
from curriculum_bandits.testing.suite import Conformance, ConformanceError

__all__ = [
    "AskAndTell",
    "BanditConformance",
    "Conformance",
    "ConformanceError",
    "CurriculumConformance",
    "check_bandit",
    "check_curriculum",
]
