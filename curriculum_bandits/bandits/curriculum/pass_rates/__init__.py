"""Bandits whose arms are single problems: what is known of each success rate, what is wanted of it, and the choice."""

from curriculum_bandits.bandits.curriculum.pass_rates.acquisition import (
    Acquisition,
    DistanceToTarget,
    ProbabilityInformative,
    ProximalWeight,
    UncertaintyWeight,
    Variance,
)
from curriculum_bandits.bandits.curriculum.pass_rates.beta_posterior import BetaPosterior, PassRates, thompson_rates
from curriculum_bandits.bandits.curriculum.pass_rates.interpolated import InterpolatedPosterior
from curriculum_bandits.bandits.curriculum.pass_rates.kl_discounted import KlDiscountedPosterior
from curriculum_bandits.bandits.curriculum.pass_rates.listed_and_fresh import ListedAndFresh
from curriculum_bandits.bandits.curriculum.pass_rates.pass_rate_bandit import PassRateBandit
from curriculum_bandits.bandits.curriculum.pass_rates.shortlist import Shortlist
from curriculum_bandits.bandits.curriculum.pass_rates.weighted import Weighted

__all__ = [
    "Acquisition",
    "BetaPosterior",
    "DistanceToTarget",
    "InterpolatedPosterior",
    "KlDiscountedPosterior",
    "ListedAndFresh",
    "PassRateBandit",
    "PassRates",
    "ProbabilityInformative",
    "ProximalWeight",
    "Shortlist",
    "UncertaintyWeight",
    "Variance",
    "Weighted",
    "thompson_rates",
]
