"""An asynchronous trainer in miniature: workers return rollouts late, shuffled, twice, or never.

A `Collector` hands out single rollouts and takes each back under its ticket and place, whenever it comes.
"""

import numpy as np

import curriculum_bandits as cb

rng = np.random.default_rng(0)
bank = cb.ProblemBank([f"problem {i}" for i in range(60)], difficulty=np.linspace(-3, 3, 60))
ability = -1.5  # of the policy that is trained: it solves a problem with probability sigmoid(ability - difficulty)


def roll_out(task: cb.Task) -> float:
    """Whether the policy solves the problem this time."""
    return float(rng.random() < 1 / (1 + np.exp(task.row["difficulty"] - ability)))


def update(answered: cb.Answered) -> None:
    """Train on a draw that was just answered: only problems solved now and then teach anything."""
    global ability
    ability += 0.1 * float(np.mean(answered.rollouts.informative))


collector = cb.Collector(
    cb.methods.learnability(bank, seed=0),
    batch_size=8,
    n_rollouts=4,
    max_age=4,  # a draw with rollouts still missing is answered without them when four later ones have begun
    on_answer=update,
)
in_flight: list[cb.Task] = []
for _ in range(300):
    in_flight += collector.ask(16)
    rng.shuffle(in_flight)  # type: ignore[arg-type]
    while len(in_flight) > 32:
        task = in_flight.pop()
        fate = rng.random()
        if fate < 0.03:
            continue  # the worker died
        if fate < 0.06:
            collector.cancel(task.ticket, task.place)  # it went stale
            continue
        reward = roll_out(task)
        collector.tell(task.ticket, task.place, reward, length=20)
        if fate > 0.97:
            collector.tell(task.ticket, task.place, reward, length=20)  # sent twice; the second counts for nothing

print(f"ability {ability:.2f}, begun at -1.50")
print(", ".join(f"{name} {count}" for name, count in collector.counts.items()))
