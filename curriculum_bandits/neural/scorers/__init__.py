"""Networks that give each candidate problem a score; a curator draws with probability softmax(score / temperature).

From cheap to dear: a linear map and a small network over features, an ensemble of them, a transformer over the prompt.
Whatever they are, they start with equal scores, and importing them needs torch alone.
"""

from .contract import Scorer
from .linear import LinearScorer
from .mlp import MlpScorer
from .transformer import TransformerScorer

__all__ = ["LinearScorer", "MlpScorer", "Scorer", "TransformerScorer"]
