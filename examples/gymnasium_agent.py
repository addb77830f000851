"""An agent in gymnasium that plays the tasks a curriculum chooses: frozen lakes of graded size, and a table.

The environment takes its map at reset; `CurriculumEnv` asks the stream for the next one. The agent is one table of
preferences over what it sees around it, trained by REINFORCE, so what it learns on small lakes helps on large ones.
"""

from collections import defaultdict

import numpy as np
from scipy.special import softmax

import curriculum_bandits as cb
from curriculum_bandits.adapters.gym import CurriculumEnv, TaskStream
from curriculum_bandits.adapters.gym.environments.frozen_lake import LakeEnv, lake_bank


def play(env, preferences, rng, options=None):
    """Play an episode; returns what was seen and done at each step, and whether the goal was reached."""
    observation, _ = env.reset(options=options)
    steps, over = [], False
    while not over:
        seen = observation[:20].tobytes()  # the eight cells around, and the direction of the goal
        action = rng.choice(4, p=softmax(preferences[seen]))
        steps.append((seen, action))
        observation, _, terminated, truncated, info = env.step(action)
        over = terminated or truncated
    return steps, info["is_success"]


def main(steps: int = 150) -> None:
    """Train for so many updates of 32 episodes, and print how often the lakes of each size are crossed."""
    bank, held_out = (lake_bank(120, seed, sizes=(3, 4, 6, 8), slips=(0.0,)) for seed in (0, 1))
    stream = TaskStream(cb.methods.learnability(bank, seed=0), batch_size=8, episodes=4)
    env = CurriculumEnv(LakeEnv(view=1), stream, success="is_success")
    preferences, rng = defaultdict(lambda: np.zeros(4)), np.random.default_rng(0)
    for _ in range(steps):
        episodes = [play(env, preferences, rng) for _ in range(32)]
        baseline = np.mean([reached for _, reached in episodes])
        for walked, reached in episodes:
            for seen, action in walked:
                preferences[seen] += 0.3 * (reached - baseline) * (np.eye(4)[action] - softmax(preferences[seen]))
        stream.answer()  # tells the curriculum of every draw whose episodes are done
    lakes = [held_out.row(item)["options"] for item in range(len(held_out))]
    crossed = np.array([play(LakeEnv(view=1), preferences, rng, lake)[1] for lake in lakes])
    for number, group in enumerate(held_out.group_names):
        print(f"{group}: {np.mean(crossed[held_out.groups == number]):.0%} crossed")


if __name__ == "__main__":
    main()
