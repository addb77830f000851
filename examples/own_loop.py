"""A training loop of your own, with observers: a record for the report, a stall monitor and the regret as it goes.

Replace the toy `Policy` by yours. ``curriculum-bandits report runs/own_loop`` makes a page of the run.
"""

import numpy as np

import curriculum_bandits as cb
from curriculum_bandits.observer import Observers
from curriculum_bandits.regret import GroupRegretEstimator
from curriculum_bandits.tracking import Record, StallMonitor, batch_metrics


class Policy:
    """Solves a problem with a probability that grows with the skill in its topic; each is harder than the last."""

    def __init__(self, topics):
        self.topics, self.skill, self.rng = topics, -np.arange(max(topics) + 1.0), np.random.default_rng(0)

    def success(self, items):
        """Chance of a right answer to each problem."""
        return 1 / (1 + np.exp(-self.skill[self.topics[items]]))

    def learn(self, items, n=8):
        """Roll out each problem n times, update, and return rewards and how the policy moved on its own rollouts."""
        before = self.success(items)[:, None]
        right = self.rng.random((len(items), n)) < before
        np.add.at(self.skill, self.topics[items], 0.2 * right.std(axis=1))
        after = self.success(items)[:, None]
        log_ratio = np.where(right, np.log(after / before), np.log((1 - after) / (1 - before)))
        return cb.Rollouts(right * 1.0, log_ratio=log_ratio, lengths=np.full(right.shape, 12))


def main(steps: int = 300) -> None:
    """Train, and print which topic would have been worth more than what was drawn."""
    topics = np.repeat(np.arange(5), 40)
    bank = cb.ProblemBank([f"problem {i}" for i in range(200)], groups=[f"topic {t}" for t in topics])
    policy, curriculum = Policy(topics), cb.methods.osmd(bank, seed=0)
    regret = GroupRegretEstimator(bank.groups)
    observers = Observers([regret, StallMonitor(), Record("runs/own_loop/curriculum.jsonl", curriculum)])
    tokens = 0.0
    for step in range(1, steps + 1):
        draw = curriculum.ask(16)
        observers.drawn(draw)
        rollouts = policy.learn(draw.items)
        feedback = curriculum.signal(rollouts)
        curriculum.tell(draw, feedback)
        observers.answered(draw, rollouts, feedback)
        tokens += rollouts.lengths.sum()
        observers.stepped(step, {"tokens": tokens, **batch_metrics(rollouts, feedback)})
        if step % 25 == 0:
            observers.evaluated(step, {"accuracy": float(policy.success(np.arange(200)).mean())})
    estimate = regret.estimate()
    for name, value, half in zip(bank.group_names, estimate.regret, estimate.half_width, strict=True):
        print(f"{name}: regret {value:+.2f} ± {half:.2f}")


if __name__ == "__main__":
    main()
