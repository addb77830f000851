"""Learners with the two methods that `curriculum_bandits.run` needs; import the one you want from its module.

`episodes` plays whole episodes of many tasks, `tabular` learns a table, `torch_loop` a network (extra ``neural``).
"""

from curriculum_bandits.extras import require_extra

require_extra("gymnasium", "gym")

__all__: list[str] = []
