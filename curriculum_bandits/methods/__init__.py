"""Every published method as one constructor that returns a `Curriculum`, in a module of its own name.

A module in this folder needs no entry here: it is found, and what it declares with ``@method`` is an attribute of this
package. The imports below are for editors and type checkers, which run nothing.
"""

import importlib
import pkgutil
from collections.abc import Callable
from typing import TYPE_CHECKING

from curriculum_bandits.curriculum import Curriculum
from curriculum_bandits.methods import registry

if TYPE_CHECKING:
    from curriculum_bandits.methods.actor_curator import actor_curator as actor_curator
    from curriculum_bandits.methods.adarft import adarft as adarft
    from curriculum_bandits.methods.ads import ads as ads
    from curriculum_bandits.methods.bots import bots as bots
    from curriculum_bandits.methods.difficulty_pools import difficulty_pools as difficulty_pools
    from curriculum_bandits.methods.dump import dump as dump
    from curriculum_bandits.methods.e2h import e2h as e2h
    from curriculum_bandits.methods.graves import graves as graves
    from curriculum_bandits.methods.informative import informative as informative
    from curriculum_bandits.methods.learnability import learnability as learnability
    from curriculum_bandits.methods.mopps import mopps as mopps
    from curriculum_bandits.methods.osmd import osmd as osmd
    from curriculum_bandits.methods.pcl import pcl as pcl
    from curriculum_bandits.methods.plr import plr as plr
    from curriculum_bandits.methods.procurl import procurl as procurl
    from curriculum_bandits.methods.sec import sec as sec
    from curriculum_bandits.methods.sfl import sfl as sfl
    from curriculum_bandits.methods.spo import spo as spo
    from curriculum_bandits.methods.tscl import tscl as tscl
    from curriculum_bandits.methods.uniform import uniform as uniform

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

# Also over the modules of the same names, which importing them made attributes.
globals().update({name: each.make for name, each in registry.declared().items()})

__all__ = sorted(registry.declared())  # pyright: ignore


def __getattr__(name: str) -> Callable[..., Curriculum]:
    """A method that was declared later, or an error with the nearest names."""
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return registry.find_method(name).make
    except ValueError as error:
        raise AttributeError(str(error)) from None
