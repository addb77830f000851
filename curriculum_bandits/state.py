"""Declared state: a class names the attributes that make up its state, and what each of them must be.

A saved state comes from a file that may be damaged, or from another object. So loading has two phases: everything is
checked first (kind, presence, shape and content), down to the innermost part, and only then put in place. A refused
state changes nothing.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

__all__ = ["Array", "Count", "Field", "Fixed", "Flag", "Part", "Parts", "Random", "Real", "Stateful", "Text"]


class Field(ABC):
    """How one attribute is saved and what a saved value must be."""

    def save(self, value: Any) -> Any:
        """The saved form of a value: arrays (copied), plain numbers, texts, lists, mappings or None."""
        return value

    @abstractmethod
    def checked(self, saved: Any, present: Any, owner: Any) -> Any:
        """The value to put in place.

        Args:
            saved: As `save` returned it.
            present: What the attribute is now.
            owner: The object that has it.

        Returns:
            The value, sharing no memory with `saved`.

        Raises:
            ValueError: If the saved value cannot be one of this attribute. The message begins with a verb.
        """


@dataclass(frozen=True)
class Array(Field):
    """An array of the data type that the attribute has now, and of its shape unless `shape` says otherwise.

    Attributes:
        low: Smallest entry allowed.
        high: Largest entry allowed.
        finite: Refuse infinity and nan.
        distribution: Entries are 0 or more and sum to 1 along the last axis.
        shape: ``shape(owner)`` returns the shape, with None for an axis of any length.
        optional: None is allowed in the place of the array; the shape must then be given.
        dtype: Data type; None takes the present one.
    """

    low: float = -math.inf
    high: float = math.inf
    finite: bool = True
    distribution: bool = False
    shape: Callable[[Any], tuple[int | None, ...]] | None = None
    optional: bool = False
    dtype: type | None = None

    def save(self, value: Any) -> Any:
        """A copy."""
        return None if value is None else np.array(value)

    def checked(self, saved: Any, present: Any, owner: Any) -> Any:
        """A copy of the saved array; see `Field`."""
        if saved is None and self.optional:
            return None
        if not isinstance(saved, np.ndarray | np.generic | list | int | float):
            raise ValueError(f"is {_shown(saved)} where an array is needed")
        array = np.asarray(saved)
        dtype = np.dtype(np.asarray(present).dtype if self.dtype is None else self.dtype)
        if not np.can_cast(array.dtype, dtype, "same_kind") and array.size:
            raise ValueError(f"holds {array.dtype} where {dtype} is needed")
        shape = np.shape(present) if self.shape is None else self.shape(owner)
        if len(array.shape) != len(shape) or any(n not in (None, m) for m, n in zip(array.shape, shape, strict=True)):
            needed = str(shape).replace("None", "any")
            raise ValueError(f"has shape {array.shape} where {needed} is needed")
        array = np.array(array, dtype=dtype, order="C")
        if array.size and dtype.kind in "fiu":
            self._check_content(array)
        return array

    def _check_content(self, array: np.ndarray[Any, Any]) -> None:
        low = max(self.low, 0.0) if self.distribution else self.low
        bad = (array < low) | (array > self.high) | (np.isnan(array) if self.finite else False)
        if self.finite or self.distribution:
            bad |= ~np.isfinite(array)
        if np.any(bad):
            raise ValueError(f"holds {array[bad][0]}; {_needed(low, self.high)}")
        if self.distribution and np.any(np.abs(np.sum(array, axis=-1) - 1.0) > 1e-6):
            raise ValueError(f"sums to {np.ravel(np.sum(array, axis=-1))[0]}, not to 1")


@dataclass(frozen=True)
class Real(Field):
    """A real number.

    Attributes:
        low: Smallest value allowed.
        high: Largest value allowed.
        finite: Refuse infinity and nan.
        optional: None is allowed.
    """

    low: float = -math.inf
    high: float = math.inf
    finite: bool = True
    optional: bool = False

    def checked(self, saved: Any, present: Any, owner: Any) -> Any:
        """The number; see `Field`."""
        if saved is None and self.optional:
            return None
        if isinstance(saved, bool) or not isinstance(saved, int | float | np.number) or np.ndim(saved):
            raise ValueError(f"is {_shown(saved)} where a number is needed")
        value = float(saved)
        if (self.finite and not math.isfinite(value)) or value < self.low or value > self.high:
            raise ValueError(f"is {value}; {_needed(self.low, self.high)}")
        return value


@dataclass(frozen=True)
class Count(Field):
    """A whole number.

    Attributes:
        low: Smallest value allowed.
        optional: None is allowed.
    """

    low: int = 0
    optional: bool = False

    def checked(self, saved: Any, present: Any, owner: Any) -> Any:
        """The number; see `Field`."""
        if saved is None and self.optional:
            return None
        if isinstance(saved, bool) or not isinstance(saved, int | np.integer):
            raise ValueError(f"is {_shown(saved)} where a whole number is needed")
        if saved < self.low:
            raise ValueError(f"is {saved}; at least {self.low} is needed")
        return int(saved)


@dataclass(frozen=True)
class Flag(Field):
    """True or False."""

    def checked(self, saved: Any, present: Any, owner: Any) -> Any:
        """The truth value; see `Field`."""
        if not isinstance(saved, bool | np.bool_):
            raise ValueError(f"is {_shown(saved)} where True or False is needed")
        return bool(saved)


@dataclass(frozen=True)
class Text(Field):
    """A text.

    Attributes:
        optional: None is allowed.
    """

    optional: bool = False

    def checked(self, saved: Any, present: Any, owner: Any) -> Any:
        """The text; see `Field`."""
        if not isinstance(saved, str) and not (saved is None and self.optional):
            raise ValueError(f"is {_shown(saved)} where a text is needed")
        return saved


@dataclass(frozen=True)
class Fixed(Field):
    """A setting that the state must have been saved with: a number, a text or None.

    Attributes:
        remedy: What to do where it differs.
    """

    remedy: str = "make the object with the settings it was saved with"

    def checked(self, saved: Any, present: Any, owner: Any) -> Any:
        """The present value, if the saved one is equal; see `Field`."""
        there, here = (each.item() if isinstance(each, np.generic) else each for each in (saved, present))
        if type(there) is not type(here) or there != here:
            raise ValueError(f"is {_shown(saved)}, and {_shown(present)} here; {self.remedy}")
        return present


@dataclass(frozen=True)
class Random(Field):
    """A `numpy.random.Generator` that the object owns."""

    def save(self, value: Any) -> Any:
        """The state of its bit generator."""
        return value.bit_generator.state

    def checked(self, saved: Any, present: Any, owner: Any) -> Any:
        """A new generator in that state; see `Field`."""
        generator = np.random.default_rng(0)
        try:
            generator.bit_generator.state = saved
        except (TypeError, ValueError, LookupError, OverflowError) as error:
            raise ValueError(f"is no state of a random generator ({error})") from None
        return generator


@dataclass(frozen=True)
class Part(Field):
    """An object with a state of its own, which stays where it is and gets that state.

    It is `Stateful`, or has ``state_dict`` and ``load_state_dict``; the latter must leave it as it was where it raises.

    Attributes:
        optional: The attribute may be None, in the saved object and in this one alike.
    """

    optional: bool = False

    def save(self, value: Any) -> Any:
        """Its state."""
        return None if value is None else value.state_dict()

    def checked(self, saved: Any, present: Any, owner: Any) -> Any:
        """What is to be loaded into the part; see `Field`."""
        if present is None and saved is None and self.optional:
            return None
        if present is None or not isinstance(saved, Mapping):
            raise ValueError(f"is {_shown(saved)} where {_shown(present)} is needed")
        return _Loading.of(present, saved)


@dataclass(frozen=True)
class Parts(Field):
    """Several objects with states of their own, in a tuple or list, as many as there were."""

    def save(self, value: Any) -> Any:
        """Their states."""
        return [part.state_dict() for part in value]

    def checked(self, saved: Any, present: Any, owner: Any) -> Any:
        """What is to be loaded into the parts; see `Field`."""
        if not isinstance(saved, list | tuple) or len(saved) != len(present):
            raise ValueError(f"is {_shown(saved)} where a list of {len(present)} states is needed")
        return [_Loading.of(part, state) for part, state in zip(present, saved, strict=True)]


class Stateful:
    """An object whose state is declared in `STATE`, saved as arrays and plain numbers, and loaded whole or not at all.

    A subclass declares its own attributes; those of its bases come before. ``kind=`` of the class statement names it in
    states, by default by the name of the class.

    >>> class Counter(Stateful):
    ...     STATE = {"count": Count(), "_seen": Array(low=0.0)}
    ...     def __init__(self):
    ...         self.count, self._seen = 0, np.zeros(2)
    >>> state = Counter().state_dict()
    >>> state
    {'kind': 'counter', 'count': 0, 'seen': array([0., 0.])}
    >>> Counter().load_state_dict({**state, "count": -1})
    Traceback (most recent call last):
    ValueError: the saved count of counter is -1; at least 0 is needed
    """

    #: What each attribute of the state is; a leading underscore is left out of the saved name.
    STATE: ClassVar[Mapping[str, Field]] = {}
    KIND: ClassVar[str] = "stateful"

    def __init_subclass__(cls, kind: str | None = None, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.KIND = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__.lstrip("_")).lower() if kind is None else kind
        own = cls.__dict__.get("STATE", {})
        inherited = [base.STATE for base in reversed(cls.__mro__[1:]) if issubclass(base, Stateful)]
        cls.STATE = {name: each for fields in (*inherited, own) for name, each in fields.items()}

    def state_dict(self) -> dict[str, Any]:
        """Everything that continues this object bit for bit, as arrays and plain numbers.

        Returns:
            The state, which shares no memory with the object; settings belong to the constructor.
        """
        fields = {name.lstrip("_"): each.save(getattr(self, name)) for name, each in self.STATE.items()}
        return {"kind": self.KIND, **fields}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state, bit for bit.

        Args:
            state: What `state_dict` returned, of an object made with the same settings.

        Raises:
            ValueError: If it is the state of something else, or damaged; the message names the field. The object is
                then as it was.
        """
        try:
            loading = _Loading(self, self._checked(state))
        except _Inner as refusal:
            raise ValueError(str(refusal)) from None
        loading.load_foreign_parts()
        loading.put()

    def _checked(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """Values to put in place by attribute; changes nothing. A subclass may check further, between fields."""
        if not isinstance(state, Mapping):
            raise _Inner(f"the state of {self.KIND} is {_shown(state)}; give what state_dict returned")
        if state.get("kind") != self.KIND:
            raise _Inner(f"this state belongs to a {state.get('kind')!r}, not to a {self.KIND!r}")
        names = {name: name.lstrip("_") for name in self.STATE}
        missing = sorted(set(names.values()) - set(state))
        unknown = sorted(set(state) - set(names.values()) - {"kind"})
        if missing or unknown:
            said = [f"lacks {', '.join(missing)}"] * bool(missing) + [f"has also {', '.join(unknown)}"] * bool(unknown)
            raise _Inner(f"the state of {self.KIND} {' and '.join(said)}; it was saved by another version")
        values = {}
        for attribute, saved in names.items():
            try:
                values[attribute] = self.STATE[attribute].checked(state[saved], getattr(self, attribute), self)
            except _Inner:
                raise
            except ValueError as error:
                raise _Inner(f"the saved {saved} of {self.KIND} {error}") from None
        return values

    def _put(self, values: Mapping[str, Any]) -> None:
        """Put checked values in place. A subclass may go on to compute what follows from them."""
        for attribute, value in values.items():
            loading = value if isinstance(value, list) else [value]
            if loading and all(isinstance(each, _Loading) for each in loading):
                for each in loading:
                    each.put()
            elif not isinstance(self.STATE[attribute], Fixed):
                setattr(self, attribute, value)


class _Inner(ValueError):
    """A refusal that names its field already."""


@dataclass
class _Loading:
    """A part and what is to be put into it: checked values, or for a part that is not `Stateful` its whole state."""

    part: Any
    values: Mapping[str, Any]

    @staticmethod
    def of(part: Any, state: Any) -> _Loading:
        return _Loading(part, part._checked(state) if isinstance(part, Stateful) else state)

    def load_foreign_parts(self) -> None:
        """Load the parts that check only while they load, all of them or none."""
        loaded: list[tuple[Any, Any]] = []
        try:
            for each in self._foreign():
                before = each.part.state_dict()
                each.part.load_state_dict(each.values)
                loaded.append((each.part, before))
        except BaseException:
            for part, before in reversed(loaded):
                part.load_state_dict(before)
            raise

    def _foreign(self) -> list[_Loading]:
        if not isinstance(self.part, Stateful):
            return [self]
        inner = [each for value in self.values.values() for each in (value if isinstance(value, list) else [value])]
        return [found for each in inner if isinstance(each, _Loading) for found in each._foreign()]

    def put(self) -> None:
        if isinstance(self.part, Stateful):
            self.part._put(self.values)


def _shown(value: Any) -> str:
    if value is None or isinstance(value, bool | int | float | str):
        return repr(value)
    return f"a {type(value).__name__}"


def _needed(low: float, high: float) -> str:
    if low == -math.inf and high == math.inf:
        return "finite numbers are needed"
    if high == math.inf:
        return f"at least {low:g} is needed"
    return f"at most {high:g} is needed" if low == -math.inf else f"{low:g} to {high:g} is needed"
