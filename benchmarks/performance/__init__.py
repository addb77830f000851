"""How fast it is: four experiments on time and memory.

`bandits` measures rounds per second beside other libraries and the growth with the number of arms, `asking` one ask and
tell of every method, `scale` the neural curator on banks of up to ten million problems, `step_share` the share of a
GRPO step that a curriculum takes. In all, candidates take turns (`timing`).
"""

__all__: list[str] = []
