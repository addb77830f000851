"""Regrets that others have published, or that were worked out before, come out again: within 5 % and the runs' noise.

Two rows are this project's own: they were worked out in its notes by code that is not this package's, and nobody has
published them; they guard against a changed rule, not against a wrong one. The committed results have 1,000 runs; 250
are enough to see a wrong rule.
"""

import numpy as np
import pytest

from tests.benchmarks.regret.played import places_of, results_of

RUNS = 250

# Besson, Kaufmann, Maillard & Seznec 2022, table 1, or the same experiment in Besson's thesis, 2019.
BESSON = "Besson et al., table 1, or its thesis version"
NOTES = "this project's notes"

REGRETS = [  # source, instance, policy, mean dynamic pseudo-regret, standard deviation over runs or None
    (BESSON, "besson_1", "uniform", 1500.0, None),
    (BESSON, "besson_1", "thompson", 493.0, 175.0),
    (NOTES, "besson_1", "discounted_thompson(discount=0.95)", 425.0, None),
    # Share 1/T and the step of `bounds.dynamic_step` for five segments; `fixed_share`, which shares more, has 210.
    (NOTES, "besson_1", "osmd(share=0.0002, step=0.0726)", 165.0, None),
    (BESSON, "besson_2", "thompson", 388.0, 147.0),
    (BESSON, "besson_2", "kl_ucb", 162.0, None),
]


def regrets(instance, policy):
    every = places_of([instance], [policy], seeds=(0,), runs=RUNS, block=RUNS, plays=1, checkpoints=1)
    (result,) = results_of(every).values()
    return result.dynamic[:, -1]


@pytest.mark.parametrize(("source", "instance", "policy", "mean", "deviation"), REGRETS)
def test_known_regrets_come_out_again(source, instance, policy, mean, deviation):
    found = regrets(instance, policy)
    noise = 3.0 * np.std(found, ddof=1) / np.sqrt(RUNS)
    assert abs(np.mean(found) - mean) <= 0.05 * mean + noise, source
    if deviation is not None:
        assert np.std(found, ddof=1) == pytest.approx(deviation, rel=0.15)
