"""Bandits whose arms are single problems: what is known of each success rate, what is wanted of it, and the choice."""

from curriculum_bandits.bandits.pass_rates.drifting import DriftingCounts
from curriculum_bandits.bandits.pass_rates.evidence import BetaCounts, PassRates, thompson_rates
from curriculum_bandits.bandits.pass_rates.interpolated import InterpolatedCounts
from curriculum_bandits.bandits.pass_rates.listed_and_fresh import ListedAndFresh
from curriculum_bandits.bandits.pass_rates.pass_rate_bandit import PassRateBandit
from curriculum_bandits.bandits.pass_rates.shortlist import Shortlist
from curriculum_bandits.bandits.pass_rates.wanted import (
    Disagreement,
    Nearness,
    ProximalWeight,
    UncertaintyWeight,
    Variance,
    Wanted,
)
from curriculum_bandits.bandits.pass_rates.weighted import Weighted

__all__ = [
    "BetaCounts",
    "Disagreement",
    "DriftingCounts",
    "InterpolatedCounts",
    "ListedAndFresh",
    "Nearness",
    "PassRateBandit",
    "PassRates",
    "ProximalWeight",
    "Shortlist",
    "UncertaintyWeight",
    "Variance",
    "Wanted",
    "Weighted",
    "thompson_rates",
]
