"""Environments with graded tasks; import the one you want from its module.

`frozen_lake` and `classic_control` need gymnasium only, `minigrid_rooms` the extra ``minigrid``.
"""

__all__: list[str] = []
