"""What a small curator reads about each problem: a table of features, and where they can come from.

Importing it loads neither scikit-learn nor transformers; the functions that need one ask for it when called.
"""

from curriculum_bandits.neural.features.groups import GroupColumns
from curriculum_bandits.neural.features.hidden_states import hidden_state_features
from curriculum_bandits.neural.features.own import matrix_features
from curriculum_bandits.neural.features.store import write_features
from curriculum_bandits.neural.features.table import FeatureTable
from curriculum_bandits.neural.features.text import text_features

__all__ = [
    "FeatureTable",
    "GroupColumns",
    "hidden_state_features",
    "matrix_features",
    "text_features",
    "write_features",
]
