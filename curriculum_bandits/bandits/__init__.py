"""Learning rules over K arms, vectorised over independent runs; they know no tickets, banks or signals."""

from curriculum_bandits.bandits.contract import Bandit, RandomizedBandit, RefusedUtility, Selection
from curriculum_bandits.bandits.osmd import Osmd
from curriculum_bandits.bandits.shuffled_epochs import ShuffledEpochs
from curriculum_bandits.bandits.step_size import ScaleFree

__all__ = ["Bandit", "Osmd", "RandomizedBandit", "RefusedUtility", "ScaleFree", "Selection", "ShuffledEpochs"]
