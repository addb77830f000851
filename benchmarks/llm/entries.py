"""The methods that are compared, by name: every declared one, with settings, DAPO's filter and a delay behind it."""

from __future__ import annotations

from curriculum_bandits.adapters.trl.recipe import trainer_arguments
from curriculum_bandits.methods.registry import Method, NamedCurriculum, parse_curriculum

from ...curricula.curators import actor_curator_paper

__all__ = ["BASELINE", "HEADLINE", "find_entry"]

#: What every method is compared with; always played.
BASELINE = "uniform"

#: Methods that are played unless others are named.
HEADLINE = ("uniform", "uniform+dapo(max_draws=4)", "osmd", "actor_curator")

_PAPER = Method("actor_curator_paper", "every switch but the network as in the paper", actor_curator_paper)


def find_entry(name: str) -> NamedCurriculum:
    """The entry of a name.

    Args:
        name: A method with settings, or ``package.module:function``; then DAPO's filter and a delay, if wanted:
            ``sec(temperature=0.1)+dapo(max_draws=4)+delayed(steps=4)``.

    Returns:
        The entry.

    Raises:
        ValueError: If there is no such method, or it cannot have these settings; the message has the nearest names.
    """
    named = parse_curriculum(name, own={_PAPER.name: _PAPER})
    trainer_arguments(named)
    return named
