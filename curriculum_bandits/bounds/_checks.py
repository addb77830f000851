"""Checks of the arguments of theorems, with errors that name the argument."""

from __future__ import annotations

import math
import operator

__all__ = ["at_least", "between", "positive", "whole"]


def whole(name: str, value: int, least: int = 1) -> int:
    """A whole number, `least` or more."""
    try:
        number = operator.index(value)
    except TypeError:
        raise ValueError(f"{name} is {value!r}; give a whole number, {least} or more") from None
    if number < least:
        raise ValueError(f"{name} is {number}; give a whole number, {least} or more")
    return number


def positive(name: str, value: float) -> float:
    """A positive finite number."""
    if not (math.isfinite(value) and value > 0.0):
        raise ValueError(f"{name} is {value}; give a positive finite number")
    return float(value)


def at_least(name: str, value: float, least: float) -> float:
    """A finite number, `least` or more."""
    if not (math.isfinite(value) and value >= least):
        raise ValueError(f"{name} is {value}; give a finite number, {least:g} or more")
    return float(value)


def between(name: str, value: float, low: float, high: float, remedy: str) -> float:
    """A number in [low, high]."""
    if not low <= value <= high:
        raise ValueError(f"{name} is {value}, outside [{low:.6g}, {high:.6g}]; {remedy}")
    return float(value)
