"""Regret of a policy in a world with known means: a policy of your own, in your own loop, beside a shipped bandit.

The best of three arms changes every so often. Both policies play twenty runs side by side, as arrays of runs.
"""

import numpy as np

from curriculum_bandits.bandits import Osmd
from curriculum_bandits.environments import play, random_abrupt
from curriculum_bandits.regret import RegretTracker

RUNS, ARMS = 20, 3


class FadingMeans:
    """Plays the arm with the best mean reward, old rewards counting less and less, and a random one now and then."""

    def __init__(self) -> None:
        self.total, self.count = np.zeros((RUNS, ARMS)), np.full((RUNS, ARMS), 1e-9)
        self.rng = np.random.default_rng(1)

    def choose(self):
        """An arm for every run, shape (runs, 1)."""
        best = np.argmax(self.total / self.count, axis=1)[:, None]
        return np.where(self.rng.random((RUNS, 1)) < 0.1, self.rng.integers(ARMS, size=(RUNS, 1)), best)

    def learn(self, arms, rewards):
        """Take in the rewards of a round."""
        played = np.arange(ARMS) == arms
        self.total, self.count = 0.98 * self.total + played * rewards, 0.98 * self.count + played


def report(name: str, tracker: RegretTracker) -> None:
    """Print the regret after the last round, mean over the runs."""
    print(
        f"{name}: regret against the best arm of each round {tracker.dynamic.mean():.1f}, against the best fixed arm "
        f"{tracker.external.mean():.1f}; score {tracker.score.mean():.2f} (0: oracle, 1: uniform play)"
    )


def main(steps: int = 3000) -> None:
    """Play both policies."""
    world = random_abrupt(ARMS, steps, changes=min(3, steps // 4), seed=0, gap=0.3)
    policy, tracker, rng = FadingMeans(), RegretTracker(ARMS, runs=RUNS), np.random.default_rng(0)
    for means in world.means:
        arms = policy.choose()
        policy.learn(arms, rng.random(arms.shape) < means[arms])
        tracker.update(means, arms)
    report("fading means", tracker)

    played = play(Osmd(ARMS, runs=RUNS, step=0.1, utility_range=(0.0, 1.0)), world, runs=RUNS)
    tracker = RegretTracker(ARMS, runs=RUNS)
    for round_, means in enumerate(world.means):
        tracker.update(means, played[:, round_])
    report("osmd", tracker)


if __name__ == "__main__":
    main()
