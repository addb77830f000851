"""One check for every setting that is a number in a range."""

__all__ = ["require"]


def require(interval: str, **settings: float) -> None:
    """Refuse a setting outside an interval.

    Args:
        interval: As it is written, such as ``"(0, 1]"`` or ``"[1, inf)"``; nan is in none.
        **settings: Values by name.

    Raises:
        ValueError: If one is not in the interval.
        TypeError: If one is no number.

    >>> require("(0, 1]", rate=0.5, share=0.0)
    Traceback (most recent call last):
    ValueError: share is 0.0; it must be in (0, 1]
    """
    low, high = (float(end) for end in interval[1:-1].split(","))
    for name, value in settings.items():
        try:
            above = value >= low if interval[0] == "[" else value > low
            below = value <= high if interval[-1] == "]" else value < high
        except TypeError:
            raise TypeError(f"{name} is {value!r}; it must be a number in {interval}") from None
        if not (above and below):
            raise ValueError(f"{name} is {value}; it must be in {interval}")
