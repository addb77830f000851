"""What learners hand back is what happened; they learn, resume and name bad tasks."""

import itertools

import numpy as np
import pytest

pytest.importorskip("gymnasium")

import gymnasium
from scipy.special import log_softmax, softmax

from curriculum_bandits import ProblemBank, methods, run
from curriculum_bandits.adapters.gym.environments.frozen_lake import LakeEnv, lake_bank
from curriculum_bandits.benchmarks.agents.episodes import Episodes, sampled
from curriculum_bandits.benchmarks.agents.tabular import TabularLearner
from curriculum_bandits.signals import policy_improvement

SMALL = {"sizes": (3, 4), "slips": (0.0, 0.3)}


def table(seed=0, **more):
    bank, held_out = lake_bank(8, seed, **SMALL), lake_bank(20, seed + 50, **SMALL)
    return TabularLearner(bank, held_out, lambda: LakeEnv(view=0), seed=seed, **more)


def network(seed=0, **more):
    pytest.importorskip("torch")
    from curriculum_bandits.benchmarks.agents.torch_loop import TorchLearner

    bank, held_out = lake_bank(8, seed, **SMALL), lake_bank(20, seed + 50, **SMALL)
    return TorchLearner(bank, held_out, LakeEnv, seed=seed, **more)


def still_network():
    pytest.importorskip("torch")
    from curriculum_bandits.benchmarks.agents.torch_loop import PPO

    return network(ppo=PPO(learning_rate=0.0))


def episode_of(values, rewards, mask):
    shape = np.shape(values)
    zeros = np.zeros(shape)
    arrays = (np.asarray(x, dtype=float) for x in (rewards, zeros, values))
    return Episodes(zeros, zeros.astype(int), *arrays, np.asarray(mask, dtype=bool), np.arange(shape[0]), zeros[:, 0])


def test_advantages_by_hand():
    played = episode_of([[0.5, 0.2, 0.0], [0.1, 0.3, 0.4]], [[0, 1, 0], [0, 0, 2]], [[1, 1, 0], [1, 1, 1]])
    g, trace = 0.9, 0.5
    last = 2 - 0.4
    middle = g * 0.4 - 0.3 + g * trace * last
    expected = [
        [g * 0.2 - 0.5 + g * trace * (1 - 0.2), 1 - 0.2, 0.0],
        [g * 0.3 - 0.1 + g * trace * middle, middle, last],
    ]
    np.testing.assert_allclose(played.advantages(g, trace), expected)
    np.testing.assert_allclose(played.advantages(1.0, 1.0)[1, 0], 2 - 0.1)  # what came, minus what was expected
    assert played.lengths.tolist() == [2, 3]
    assert played.returns.tolist() == [1.0, 2.0]


def test_actions_are_drawn_as_the_policy_says():
    rng = np.random.default_rng(0)
    p = np.array([0.1, 0.0, 0.6, 0.3])
    with np.errstate(divide="ignore"):
        drawn = sampled(np.tile(np.log(p), (20_000, 1)), rng)
    counts = np.bincount(drawn, minlength=4) / 20_000
    assert counts[1] == 0
    assert np.all(np.abs(counts - p) < 4.5 * np.sqrt(p * (1 - p) / 20_000) + 1e-12)


@pytest.mark.parametrize("make", [lambda: table(rate=0.0), still_network], ids=["table", "network"])
def test_a_policy_that_stays_has_improved_nothing(make):
    rollouts = make().learn([0, 3, 5])
    assert rollouts.rewards.shape == (3, 4)
    assert np.max(np.abs(rollouts.improvements)) < 1e-5
    assert np.max(rollouts.kl) < 1e-10


def test_a_table_that_stays_has_improved_exactly_nothing():
    assert np.all(table(rate=0.0).learn([0, 1, 2]).improvements == 0.0)


def test_the_update_of_the_table_by_hand():
    """One episode of one step: the preferences move by rate times advantage times (1[a] - pi)."""
    bank = ProblemBank(["SG"], columns={"options": [{"map": ["SG"]}]})
    learner = TabularLearner(
        bank, bank, lambda: LakeEnv(view=0, time=0.34), n_rollouts=1, rate=2.0, value_rate=0.5, seed=0
    )
    learner.preferences[0] = [0.3, -0.2, 0.5, 0.0]
    learner.values[0] = 0.25
    before = learner.preferences[0].copy()
    rollouts = learner.learn([0])
    advantage = rollouts.rewards[0, 0] - 0.25
    moves = []
    for action in range(4):
        slope = -softmax(before)
        slope[action] += 1.0
        moves.append(before + 2.0 * advantage * slope)
    action = int(np.argmin([np.max(np.abs(move - learner.preferences[0])) for move in moves]))
    np.testing.assert_allclose(learner.preferences[0], moves[action], atol=1e-12)
    assert (action == 2) == bool(rollouts.successes[0, 0])
    np.testing.assert_allclose(learner.values[0], 0.25 + 0.5 * advantage)
    delta = log_softmax(moves[action])[action] - log_softmax(before)[action]
    np.testing.assert_allclose(rollouts.improvements, [[np.expm1(delta) * advantage]])
    np.testing.assert_allclose(rollouts.absolute_advantages, [[abs(advantage)]])
    np.testing.assert_allclose(rollouts.value_losses, [[advantage**2]])
    np.testing.assert_allclose(rollouts.kl, [[np.expm1(delta) - delta]])


def test_the_learner_uses_its_own_discount_and_trace():
    learner = table(discount=0.8, trace=0.3, rate=0.0, value_rate=0.0)
    learner.values = np.random.default_rng(0).normal(size=256)
    played = []
    play = learner._play
    learner._play = lambda *arguments: played.append(play(*arguments)) or played[-1]
    rollouts = learner.learn([0, 5])
    advantages = np.abs(played[0].advantages(0.8, 0.3)).sum(axis=1) / played[0].lengths
    np.testing.assert_allclose(rollouts.absolute_advantages, advantages.reshape(2, 4))
    np.testing.assert_allclose(rollouts.lengths, played[0].lengths.reshape(2, 4))


def test_improvement_estimates_the_change_of_the_value_of_a_small_world():
    """A corridor of three cells and at most three steps: every history is enumerated, under both policies."""
    rows = ["SFG"]
    rng = np.random.default_rng(1)
    old = rng.normal(0, 0.5, (256, 4))
    change = rng.normal(0, 0.02, (256, 4))
    gamma = 1.0

    def value(preferences):
        total = 0.0
        for actions in itertools.product(range(4), repeat=3):
            cell, probability = 0, 1.0
            for action in actions:
                if cell == 2:
                    probability *= 0.25  # the episode is over, what would have been done does not matter
                    continue
                probability *= softmax(preferences[cell])[action]
                cell = {0: max(cell - 1, 0), 2: cell + 1}.get(action, cell)
            total += probability * (cell == 2)
        return total

    bank = ProblemBank(["corridor"], columns={"options": [{"map": rows}]})
    learner = TabularLearner(
        bank, bank, lambda: LakeEnv(view=0, time=0.75), n_rollouts=20_000, discount=gamma, trace=1.0, seed=0
    )
    learner.preferences, learner.values = old.copy(), np.zeros(256)

    def independent_update(played, advantages):
        learner.preferences = old + change
        states = played.observations
        return np.take_along_axis(log_softmax(old + change, axis=1)[states], played.actions[..., None], -1)[..., 0]

    learner._update = independent_update  # a policy that did not see these episodes: the estimate is then unbiased
    feedback = policy_improvement(learner.learn([0]))
    truth = value(old + change) - value(old)
    learner.preferences = old.copy()
    estimates = learner.learn([0]).improvements[0]
    error = np.std(estimates) / np.sqrt(len(estimates))
    assert feedback.counts.tolist() == [20_000]
    assert abs(truth) > 3 * error, "the test must be able to tell signs"
    assert abs(feedback.values[0] - truth) < 4 * error + 0.05 * abs(truth)  # first order in the change


def test_the_table_learns():
    bank = lake_bank(6, 100, sizes=(3,), slips=(0.0,))
    learner = TabularLearner(bank, bank, lambda: LakeEnv(view=0), seed=100)
    rows = run(methods.uniform(bank, seed=100), learner, steps=60, batch_size=4, evaluate_every=60, progress=False)
    assert rows[0]["accuracy"] < 0.4
    assert rows[-1]["accuracy"] > rows[0]["accuracy"] + 0.3
    assert rows[-1]["environment_steps"] == learner.environment_steps


def test_the_network_learns():
    learner = network(100)
    rows = run(methods.uniform(learner.bank, seed=100), learner, 30, 8, evaluate_every=30, progress=False)
    assert rows[-1]["accuracy"] > rows[0]["accuracy"] + 0.3


@pytest.mark.parametrize("make", [table, network], ids=["table", "network"])
def test_a_resumed_learner_goes_on_bit_for_bit_and_evaluating_changes_nothing(make):
    learner, twin = make(), make()
    learner.learn([0, 1, 2])
    assert learner.evaluate() == learner.evaluate()
    state = learner.state_dict()
    first = learner.learn([3, 4])
    twin.load_state_dict(state)
    twin.evaluate()
    second = twin.learn([3, 4])
    for name in ("rewards", "improvements", "lengths", "value_losses"):
        assert getattr(first, name).tobytes() == getattr(second, name).tobytes()
    assert learner.evaluate() == twin.evaluate()


@pytest.mark.parametrize("make", [table, network], ids=["table", "network"])
def test_a_foreign_state_is_refused_and_the_learner_is_as_it_was(make):
    learner = make()
    state = learner.state_dict()
    broken = {
        **state,
        "policy": {
            name: {} if isinstance(v, dict) else v if name == "kind" else np.zeros(3)
            for name, v in state["policy"].items()
        },
    }
    for foreign in (
        {"kind": state["kind"]},
        {**state, "policy": {}},
        {**state, "kind": "parrot"},
        make(seed=1).state_dict(),
        broken,
    ):
        with pytest.raises(ValueError, match=r"kind|other tasks|saved|lacks|belongs to"):
            learner.load_state_dict(foreign)
    assert str(learner.state_dict()) == str(state)


def test_equal_seeds_are_equal_runs():
    first, second = (table(7).learn([0, 1, 2]) for _ in range(2))
    assert first.rewards.tobytes() == second.rewards.tobytes()
    assert first.improvements.tobytes() == second.improvements.tobytes()


def test_a_bad_task_is_named():
    bank = ProblemBank(["a", "b"], ids=["good", "bad"], columns={"options": [{"map": ["SG"]}, {"map": ["SH"]}]})
    learner = TabularLearner(bank, bank, lambda: LakeEnv(view=0))
    with pytest.raises(ValueError, match=r"refused the options .* of the task 'bad'"):
        learner.learn([0, 1])


def test_what_a_table_cannot_learn_from_is_refused():
    bank = lake_bank(2, **SMALL)
    with pytest.raises(ValueError, match="needs a Discrete space"):
        TabularLearner(bank, bank, LakeEnv)
    with pytest.raises(ValueError, match="play at least 1"):
        TabularLearner(bank, bank, lambda: LakeEnv(view=0), n_rollouts=0)


def test_a_network_needs_vectors():
    pytest.importorskip("torch")
    from curriculum_bandits.benchmarks.agents.torch_loop import TorchLearner

    bank = lake_bank(2, **SMALL)
    with pytest.raises(ValueError, match="needs vectors"):
        TorchLearner(bank, bank, lambda: LakeEnv(view=0))


def test_the_network_goes_right_and_its_critic_expects_what_comes():
    torch = pytest.importorskip("torch")
    from curriculum_bandits.benchmarks.agents.torch_loop import PPO, TorchLearner

    bank = ProblemBank(["one step to the right"], columns={"options": [{"map": ["SG"]}]})
    ppo = PPO(learning_rate=1e-2, entropy=0.0, minibatches=1, hidden=16)
    learner = TorchLearner(bank, bank, lambda: LakeEnv(time=0.34), n_rollouts=16, ppo=ppo, seed=0)
    first = learner.learn([0])
    assert np.all(first.kl > 0.0)  # the policy moved, and the same actions were scored again
    for _ in range(50):
        last = learner.learn([0])
    assert np.mean(last.successes) > 0.95
    seen = torch.from_numpy(LakeEnv().reset(options={"map": ["SG"]})[0])[None]
    with torch.no_grad():
        expected = learner._network(seen)[1].item()
    assert abs(expected - 1.0) < 0.1


@pytest.mark.parametrize("make", [table, network], ids=["table", "network"])
def test_where_only_returns_are_known_there_are_no_successes_and_no_accuracy(make):
    learner = make(success=None)
    learner._envs = []
    learner._make_env, plain = lambda: gymnasium.wrappers.TransformReward(plain(), lambda r: 5.0 - r), learner._make_env
    rollouts = learner.learn([0, 1])
    assert rollouts.successes is None
    assert np.max(rollouts.rewards) > 1.0
    rows = learner.evaluate()
    assert sorted(rows) == ["environment_steps", "return"]
    assert rows["return"] > 1.0


class InPlace(gymnasium.Env):
    """Shows the same array for ever, and writes into it."""

    observation_space = gymnasium.spaces.Box(-100, 100, (1,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.seen = np.zeros(1, dtype=np.float32)
        return self.seen, {}

    def step(self, action):
        self.seen += 1
        return self.seen, 1.0, bool(self.seen[0] >= 4), False, {"is_success": 1.0}


def test_environments_may_write_into_what_they_showed():
    pytest.importorskip("torch")
    from curriculum_bandits.benchmarks.agents.torch_loop import TorchLearner

    bank = ProblemBank(["a"], columns={"options": [{}]})
    learner = TorchLearner(bank, bank, InPlace, n_rollouts=1)
    played = learner._play(learner._training, np.array([0, 0]), np.random.default_rng(0))
    assert played.observations[..., 0].tolist() == [[0.0, 1.0, 2.0, 3.0]] * 2
