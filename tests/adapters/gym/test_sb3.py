"""A real PPO of stable-baselines3, small enough for a test, trains on what a curriculum chooses."""

import numpy as np
import pytest

pytest.importorskip("stable_baselines3")

import torch
from gymnasium import make as make_env
from stable_baselines3 import DQN, PPO

from curriculum_bandits import Curriculum, methods
from curriculum_bandits.adapters.gym import TaskStream
from curriculum_bandits.adapters.gym.environments.frozen_lake import LakeEnv, lake_bank
from curriculum_bandits.adapters.gym.sb3 import CurriculumCallback, curriculum_vec_env
from curriculum_bandits.bandits import ShuffledEpochs
from curriculum_bandits.observer import Observers
from curriculum_bandits.report import read_record
from curriculum_bandits.signals import policy_improvement
from curriculum_bandits.tracking import Record


class Remembering(CurriculumCallback):
    """Keeps what was answered."""

    def __init__(self, stream):
        super().__init__(stream)
        self.answers = []

    def _log(self, answers):
        super()._log(answers)
        self.answers += answers


def make(learning_rate=1e-3, episodes=1, batch_size=4, environments=2, seed=0, **more):
    bank = lake_bank(12, 100, sizes=(3, 4), slips=(0.0, 0.2))
    curriculum = Curriculum(bank, ShuffledEpochs(len(bank)), policy_improvement, name="heard", seed=seed)
    stream = TaskStream(curriculum, batch_size, episodes=episodes)
    env = curriculum_vec_env(LakeEnv, stream, environments, success="is_success")
    settings = {"n_steps": 64, "batch_size": 32, "n_epochs": 2, "seed": seed, "device": "cpu", **more}
    model = PPO("MlpPolicy", env, learning_rate=learning_rate, **settings)
    return model, Remembering(stream)


def test_with_a_learning_rate_of_zero_nothing_has_improved():
    model, callback = make(learning_rate=0.0)
    model.learn(500, callback=callback)
    assert len(callback.answers) > 5
    for answered in callback.answers:
        assert np.all(answered.rollouts.improvements == 0.0)
        assert np.all(answered.rollouts.kl == 0.0)
        assert np.any(answered.rollouts.absolute_advantages > 0.0)


def test_every_finished_episode_is_told_once_and_open_ones_stay_open():
    model, callback = make(episodes=2)
    finished = []
    stream = callback.stream
    finish = stream.finish
    stream.finish = lambda number, **numbers: (finished.append(numbers["length"]), finish(number, **numbers))
    model.learn(600, callback=callback)
    told = sum(int(np.sum(answered.rollouts.valid)) for answered in callback.answers)
    waiting = sum(len(each.told) for each in stream.collector._open.values())
    assert told + waiting == len(finished)
    serials = [answered.draw.ticket.serial for answered in callback.answers]
    assert len(set(serials)) == len(serials)
    assert {draw.ticket.serial for draw in stream.curriculum.outstanding}.isdisjoint(serials)
    lengths = np.concatenate([answered.rollouts.lengths.ravel() for answered in callback.answers])
    assert set(lengths.tolist()) <= {float(length) for length in finished}


def test_improvement_is_that_of_the_buffer_by_hand():
    """One environment, buffers as long as the tasks: scored again with the policy's own evaluation."""
    model, callback = make(environments=1, batch_size=1, learning_rate=3e-3)
    seen = {}
    keep = callback._on_rollout_end

    def kept():
        keep()
        buffer = model.rollout_buffer
        seen["terms"] = (buffer.observations.copy(), buffer.actions.copy(), buffer.log_probs.copy())
        seen["errors"] = (buffer.returns - buffer.values)[:, 0]
        seen["advantages"], seen["numbers"] = buffer.advantages.copy(), np.concatenate(callback._numbers)

    callback._on_rollout_end = kept
    model.learn(64, callback=callback)
    observations, actions, before = seen["terms"]
    states = model.policy.obs_to_tensor(observations[:, 0])[0]
    after = model.policy.evaluate_actions(states, torch.as_tensor(actions[:, 0, 0]).long())[1]
    terms = np.expm1(after.detach().numpy().astype(float) - before[:, 0]) * seen["advantages"][:, 0]
    by_number = [np.sum(terms[seen["numbers"] == number]) for number in np.unique(seen["numbers"])]
    told = [answered.rollouts.improvements[0, 0] for answered in callback.answers]
    assert len(told) >= 3
    assert max(abs(value) for value in told) > 1e-4
    np.testing.assert_allclose(told, by_number[: len(told)], atol=1e-4)
    losses = [np.mean(seen["errors"][seen["numbers"] == number] ** 2) for number in np.unique(seen["numbers"])]
    told = [answered.rollouts.value_losses[0, 0] for answered in callback.answers]
    np.testing.assert_allclose(told, losses[: len(told)], rtol=1e-4)


def test_value_errors_and_successes_are_told():
    model, callback = make()
    model.learn(300, callback=callback)
    for answered in callback.answers:
        assert np.all(answered.rollouts.value_losses >= 0.0)
        np.testing.assert_array_equal(answered.rollouts.successes, answered.rollouts.rewards)


def test_it_goes_on_from_a_saved_state():
    model, callback = make()
    model.learn(200, callback=callback)
    state = callback.state_dict()
    other_model, other = make(seed=3)
    other.load_state_dict(state)
    assert len(other.stream.curriculum.outstanding) == len(callback.stream.curriculum.outstanding)
    other_model.learn(300, callback=other)
    assert other.answers[0].draw.ticket.run == callback.answers[0].draw.ticket.run


def test_ppo_learns_under_a_curriculum():
    bank = lake_bank(12, 100, sizes=(3, 4), slips=(0.0,))
    stream = TaskStream(methods.osmd(bank, seed=0), 4, episodes=2)
    env = curriculum_vec_env(LakeEnv, stream, 8, success="is_success")
    model = PPO("MlpPolicy", env, n_steps=64, batch_size=128, seed=0, device="cpu", learning_rate=2e-3)
    callback = Remembering(stream)
    model.learn(8000, callback=callback)
    success = [float(np.mean(answered.rollouts.successes)) for answered in callback.answers]
    assert np.mean(success[-20:]) > np.mean(success[:20]) + 0.3


def test_a_run_has_a_record_that_goes_back_with_the_state(tmp_path):
    path = tmp_path / "curriculum.jsonl"

    def recorded(seed):
        model, callback = make(seed=seed)
        callback.observers = Observers([Record(path, callback.stream.curriculum)])
        return model, callback

    model, callback = recorded(0)
    model.learn(200, callback=callback)
    saved, updates = callback.state_dict(), callback.updates
    model.learn(200, callback=callback)
    assert read_record(path).last_step > updates
    other_model, other = recorded(3)
    other.load_state_dict(saved)
    other_model.learn(100, callback=other)
    run = read_record(path)
    assert run.last_step == other.updates > updates
    assert run.draws == other.answered
    assert np.all(np.diff(run.steps["step"]) == 1)


def test_an_algorithm_without_rollouts_is_refused():
    _, callback = make()
    env = curriculum_vec_env(LakeEnv, callback.stream, 1)
    with pytest.raises(TypeError, match="DQN keeps no rollouts"):
        DQN("MlpPolicy", env, buffer_size=100, device="cpu").learn(20, callback=callback)


def test_environments_without_a_stream_are_refused():
    _, callback = make()
    plain = PPO("MlpPolicy", make_env("CartPole-v1"), n_steps=16, batch_size=16, device="cpu")
    with pytest.raises(ValueError, match="wrap each in CurriculumEnv"):
        plain.learn(32, callback=callback)


def test_learning_goes_on_after_an_interrupt_in_an_update():
    model, callback = make()
    train, updates = model.train, []

    def interrupted():
        updates.append(len(updates))
        if len(updates) == 2:
            raise KeyboardInterrupt
        train()

    model.train = interrupted
    with pytest.raises(KeyboardInterrupt):
        model.learn(600, callback=callback)
    before = len(callback.answers)
    model.learn(600, callback=callback)
    assert len(callback.answers) > before + 5


@pytest.mark.parametrize("reset", [True, False])
def test_a_state_may_be_loaded_into_a_callback_that_has_trained(reset):
    model, callback = make(episodes=2)
    model.learn(200, callback=callback)
    callback.load_state_dict(callback.state_dict())
    before = len(callback.answers)
    model.learn(300, callback=callback, reset_num_timesteps=reset)
    assert len(callback.answers) > before


def test_a_state_saved_in_the_middle_of_a_rollout_can_be_gone_on_from():
    model, callback = make()
    states = []
    callback._on_step, step = lambda: states.append(callback.state_dict()) or step(), callback._on_step
    model.learn(300, callback=callback)
    for state in (states[40], states[100], states[120]):  # before the first update, and after it
        other_model, other = make(seed=3)
        other.load_state_dict(state)
        waiting = {draw.ticket.serial for draw in other.stream.curriculum.outstanding}
        other_model.learn(600, callback=other)
        assert waiting.isdisjoint(draw.ticket.serial for draw in other.stream.curriculum.outstanding)
