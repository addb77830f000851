"""Numbers and foreign text as people read them.

What a model wrote may hold anything: control characters that HTML does not allow, marks that turn the reading
direction, halves of characters. They are made visible, never obeyed.
"""

from __future__ import annotations

import math
import unicodedata

__all__ = ["compact", "duration", "label", "number", "percent", "visible"]


def visible(text: str) -> str:
    r"""Text in which nothing is hidden: control characters as pictures, marks of format and direction as code points.

    >>> visible("a\x00b\u202ec\n")
    'a␀b⟨U+202E⟩c\n'
    """
    return "".join(letter if _is_plain(letter) else _picture(letter) for letter in text.replace("\r\n", "\n"))


def label(text: str, most: int = 40) -> str:
    """A name on one line, cut in the middle where it is long: what tells names apart often stands at their ends.

    >>> label("countdown/very-hard", 11)
    'count…-hard'
    """
    line = " ".join(visible(text).split())
    head = (most - 1) // 2
    return line if len(line) <= most else f"{line[:head]}…{line[len(line) - (most - 1 - head) :]}"


def compact(value: float) -> str:
    """A number in few letters, with k, M, G or T for thousands and more.

    >>> compact(0.25), compact(1500), compact(12_345_678)
    ('0.25', '1.5k', '12.3M')
    """
    size = abs(value)
    for power, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if size >= power:
            return f"{value / power:.3g}{letter}" if size < 1e15 else f"{value:.2g}"
    return f"{value:.3g}"


def percent(share: float) -> str:
    """A share in percent, with one decimal below ten if it is not whole; a dash for nan.

    >>> percent(0.5), percent(0.034), percent(float("nan"))
    ('50 %', '3.4 %', '-')
    """
    if not math.isfinite(share):
        return "-"
    return f"{100 * share:.0f} %" if abs(share) >= 0.0995 else f"{100 * share:.2g} %"


def number(value: float) -> str:
    """A number for a table, a dash for nan."""
    return f"{value:.3g}" if math.isfinite(value) else "-"


def duration(seconds: float) -> str:
    """A time as people say it, in the two largest units that fit.

    >>> duration(42.3), duration(125), duration(7380), duration(200_000)
    ('42 s', '2 min 5 s', '2 h 3 min', '2 d 7 h')
    """
    if seconds < 10:
        return f"{seconds:.2g} s"
    whole = round(seconds)
    for size, large, small, name in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            return f"{whole // size} {large} {whole % size // small} {name}"
    return f"{whole} s"


def _is_plain(letter: str) -> bool:
    return letter in "\n\t" or unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp")


def _picture(letter: str) -> str:
    code = ord(letter)
    if code < 0x20 or code == 0x7F:
        return chr(0x2400 + min(code, 0x21))
    return f"⟨U+{code:04X}⟩"
