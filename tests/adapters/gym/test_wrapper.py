"""One environment or many as one: every task that is asked for is played, and every episode reported once."""

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv

from curriculum_bandits import ProblemBank, methods
from curriculum_bandits.adapters.gym import CurriculumEnv, CurriculumVectorEnv, Rebuilt, TaskReceiver, TaskStream
from curriculum_bandits.signals import mean_reward


class Corridor(gymnasium.Env):
    """Ends after as many steps as the task says; the last one pays that number."""

    observation_space = gymnasium.spaces.Box(-100, 100, (2,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.length, self.pays = options["length"], options.get("pays")
        self.place = 0
        return self._seen(), {"first": True}

    def step(self, action):
        self.place += 1
        over = self.place >= self.length
        pays = self.length if self.pays is None else self.pays
        return self._seen(), pays if over else 0.0, over, False, {"solved": float(self.length % 2)}

    def _seen(self):
        return np.array([self.length, self.place], dtype=np.float32)


class Deaf(Corridor):
    def reset(self, *, seed=None):
        return super().reset(seed=seed, options={"length": 1})


def lengths_bank(lengths=(1, 2, 3, 4), **more):
    return ProblemBank(
        [str(length) for length in lengths],
        ids=[f"corridor-{length}" for length in lengths],
        columns={"options": [{"length": length, **more} for length in lengths]},
    )


def make_stream(bank=None, batch_size=4, episodes=1):
    bank = lengths_bank() if bank is None else bank
    return TaskStream(methods.uniform(bank, signal=mean_reward), batch_size, episodes=episodes)


def receiver(number):
    return lambda: TaskReceiver(Corridor(), number)


def make_vector(kind, stream, number=3, **more):
    envs = kind([receiver(i) for i in range(number)], autoreset_mode=AutoresetMode.DISABLED)
    return CurriculumVectorEnv(envs, stream, success="solved", **more)


def test_an_episode_is_played_as_the_task_says_and_reported_once():
    stream = make_stream()
    env = CurriculumEnv(Corridor(), stream, success="solved")
    for _ in range(4):
        observation, info = env.reset(seed=0)
        length, steps, over = int(observation[0]), 0, False
        assert info["task"] == f"corridor-{length}"
        number = info["task_episode"]
        while not over:
            _, _, over, _, info = env.step(0)
            steps += 1
            assert info["task_episode"] == number
        assert steps == length
        with pytest.raises(gymnasium.error.ResetNeeded):
            env.step(0)
    (answered,) = stream.answer()
    expected = np.array([stream.bank.columns["options"][i]["length"] for i in answered.draw.items])
    np.testing.assert_array_equal(answered.rollouts.rewards[:, 0], expected)
    np.testing.assert_array_equal(answered.rollouts.lengths[:, 0], expected)
    np.testing.assert_array_equal(answered.rollouts.successes[:, 0], expected % 2)


def test_a_reset_in_the_middle_gives_the_task_back():
    stream = make_stream(lengths_bank((5, 6)), batch_size=2)
    env = CurriculumEnv(Corridor(), stream)
    _, first = env.reset()
    env.step(0)
    _, again = env.reset()
    assert (first["task"], first["task_episode"] + 1) == (again["task"], again["task_episode"])


@pytest.mark.parametrize("kind", [SyncVectorEnv, AsyncVectorEnv])
def test_the_vector_form_plays_and_reports_the_same(kind):
    stream = make_stream(batch_size=4, episodes=2)
    envs = make_vector(kind, stream)
    try:
        assert envs.metadata["autoreset_mode"] == AutoresetMode.SAME_STEP
        observations, infos = envs.reset(seed=3)
        told, seen = [], {}
        while len(told) < 5:
            playing = infos["task_episode"].copy() if not seen else np.array([e.number for e in envs.playing])
            places = observations[:, 1].copy()
            observations, rewards, terminations, truncations, infos = envs.step(np.zeros(3, dtype=np.int64))
            np.testing.assert_array_equal(infos["task_episode"], playing)  # of the step, not of the next episode
            for i in range(3):
                seen.setdefault(int(playing[i]), []).append((float(places[i]), float(rewards[i])))
                if terminations[i]:
                    assert infos["_final_obs"][i]
                    assert infos["final_obs"][i][1] == infos["final_obs"][i][0] == rewards[i]
                    assert observations[i, 1] == 0
                    assert infos["task"][i] == f"corridor-{int(rewards[i])}"
                else:
                    assert observations[i, 1] == places[i] + 1
                assert not truncations[i]
            told += stream.answer()
    finally:
        envs.close()
    for steps in seen.values():
        assert [place for place, _ in steps] == list(range(len(steps)))
    for answered in told:
        lengths = np.array([stream.bank.columns["options"][i]["length"] for i in answered.draw.items])
        expected = np.repeat(lengths[:, None], 2, axis=1)
        np.testing.assert_array_equal(answered.rollouts.rewards, expected)
        np.testing.assert_array_equal(answered.rollouts.lengths, expected)
        np.testing.assert_array_equal(answered.rollouts.successes, expected % 2)


def test_the_vector_must_not_reset_by_itself():
    with pytest.raises(ValueError, match=r"autoreset_mode=AutoresetMode.DISABLED"):
        CurriculumVectorEnv(SyncVectorEnv([receiver(0)]), make_stream())


def test_a_receiver_without_a_task_says_how_it_is_meant():
    with pytest.raises(ValueError, match="reset through CurriculumVectorEnv"):
        TaskReceiver(Corridor(), 0).reset()


def fails(row):
    if row["id"] == "corridor-3":
        raise KeyError("level")
    return row["options"]


def play_until_error(env):
    for _ in range(20):
        env.reset()
        over = False
        while not over:
            _, _, over, _, _ = env.step(0)


@pytest.mark.parametrize(
    ("bank", "env", "task_options", "message"),
    [
        (lengths_bank(), Corridor, fails, "task function failed for the task 'corridor-3' with KeyError: 'level'"),
        (lengths_bank(), Corridor, lambda row: 7, "returned a int for the task 'corridor-"),
        (lengths_bank(), Corridor, lambda row: {}, r"refused the options \{\} of the task .* KeyError: 'length'"),
        (lengths_bank(), Deaf, None, r"Deaf.* refused the options \{'length': .\} of the task 'corridor-"),
        (ProblemBank(["a"], ids=["a"]), Corridor, None, "the bank has no column 'options'.*task_options"),
        (
            lengths_bank((3,), pays=np.nan),
            Corridor,
            None,
            "reward of step 3 of an episode of the task 'corridor-3' is nan",
        ),
    ],
)
def test_bad_tasks_are_named_with_the_cause(bank, env, task_options, message):
    stream = make_stream(bank, batch_size=1)
    with pytest.raises(ValueError, match=message):
        play_until_error(CurriculumEnv(env(), stream, task_options))


def test_after_a_failed_reset_the_task_is_still_to_be_played():
    stream = make_stream(lengths_bank((3,)), batch_size=1)
    env = CurriculumEnv(Corridor(), stream, fails)
    for _ in range(2):
        with pytest.raises(ValueError, match="corridor-3"):
            env.reset()
    assert len(stream.curriculum.outstanding) == 1


@pytest.mark.filterwarnings("ignore:.*ERROR.*:UserWarning")
@pytest.mark.parametrize("kind", [SyncVectorEnv, AsyncVectorEnv])
def test_the_vector_form_names_the_task_too(kind):
    envs = make_vector(kind, make_stream(), task_options=lambda row: {"size": 1})
    try:
        with pytest.raises(ValueError, match=r"options \{'size': 1\} of the task 'corridor-"):
            envs.reset()
    finally:
        envs.close()


@pytest.mark.parametrize(
    ("rule", "expected"), [(3.0, 1.0), (3.1, 0.0), (lambda total, info: total / 4, 0.75), ("solved", 1.0)]
)
def test_success_by_return_by_function_and_by_info(rule, expected):
    stream = make_stream(lengths_bank((3,)), batch_size=1)
    env = CurriculumEnv(Corridor(), stream, success=rule)
    env.reset()
    for _ in range(3):
        env.step(0)
    assert stream.answer()[0].rollouts.successes.tolist() == [[expected]]


@pytest.mark.parametrize(
    ("rule", "message"), [("won", "no key 'won', only"), (lambda total, info: 3.0, "is 3.0; it must")]
)
def test_a_wrong_success_rule_names_the_task(rule, message):
    env = CurriculumEnv(Corridor(), make_stream(lengths_bank((1,)), batch_size=1), success=rule)
    env.reset()
    with pytest.raises(ValueError, match=f"task 'corridor-1'.* {message}"):
        env.step(0)


def test_seeds_of_tasks_go_before_those_of_the_caller():
    stream = make_stream()
    env = CurriculumEnv(Corridor(), stream, task_seed=lambda row: 10 + row["options"]["length"])
    _, info = env.reset(seed=1)
    length = int(info["task"].split("-")[1])
    assert env.unwrapped.np_random.random() == np.random.default_rng(10 + length).random()
    wrong = CurriculumEnv(Corridor(), stream, task_seed=lambda row: -1)
    with pytest.raises(ValueError, match=r"the seed of the task 'corridor-.' failed"):
        wrong.reset()


def test_an_environment_made_anew_for_each_task():
    def build(size):
        return gymnasium.make("FrozenLake-v1", desc=["SF", "FG"] if size == 2 else ["SFF", "FFF", "FFG"])

    env = Rebuilt(build, {"size": 2})
    first = env.env
    env.reset(seed=0, options={"size": 2})
    assert env.env is first
    with pytest.raises(ValueError, match=r"spaces are Discrete\(9\)"):
        env.reset(options={"size": 3})
    stream = make_stream(ProblemBank(["a"], ids=["a"], columns={"options": [{"level": 2}]}), batch_size=1)
    with pytest.raises(ValueError, match="of the task 'a' with TypeError"):
        CurriculumEnv(env, stream).reset()


class Counting(Corridor):
    """Says more: numbers, a nested part, a truth, and some of it only at times."""

    def reset(self, *, seed=None, options=None):
        observation, _ = super().reset(seed=seed, options=options)
        return observation, {"first": True, "count": 0, "depth": {"left": self.length}}

    def step(self, action):
        observation, reward, over, truncated, _ = super().step(action)
        info = {"count": self.place, "depth": {"left": self.length - self.place}, "solved": 1.0}
        info |= {"where": observation.copy(), "even": self.place % 2 == 0}
        return observation, reward, over, truncated, {**info, "episode": {"l": self.place}} if over else info


class OneOf(Counting):
    """Plays one length for ever, as gymnasium's own vectors have it."""

    def __init__(self, length):
        self.own = {"length": length}

    def reset(self, *, seed=None, options=None):
        return super().reset(seed=seed, options=self.own)


def same(ours, theirs):
    if isinstance(theirs, dict):
        assert sorted(ours) == sorted(theirs)
        for name in theirs:
            same(ours[name], theirs[name])
    elif isinstance(theirs, np.ndarray):
        assert ours.dtype == theirs.dtype
        assert len(ours) == len(theirs)
        for our, their in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(our, their)
    else:
        assert ours == theirs


@pytest.mark.parametrize("kind", [SyncVectorEnv, AsyncVectorEnv])
def test_infos_are_those_of_gymnasium_which_resets_in_the_same_step(kind):
    """Every environment says its own when others end, and nested parts stay nested."""
    stream = make_stream(lengths_bank((2, 3, 7)), batch_size=3)
    envs = kind([lambda i=i: TaskReceiver(Counting(), i) for i in range(3)], autoreset_mode=AutoresetMode.DISABLED)
    ours = CurriculumVectorEnv(envs, stream, success="solved")
    _, infos = ours.reset(seed=0)
    lengths = [int(task.split("-")[1]) for task in infos["task"]]
    theirs = kind([lambda i=i: OneOf(i) for i in lengths], autoreset_mode=AutoresetMode.SAME_STEP)
    try:
        theirs.reset(seed=0)
        compared = 0
        # Until the first that ended gets another task than it had.
        for _ in range(3):
            actions = np.zeros(3, dtype=np.int64)
            *_, ended, _, expected = theirs.step(actions)
            *_, our_ended, _, infos = ours.step(actions)
            playing = [episode.task for episode in ours.playing]
            np.testing.assert_array_equal(ended, our_ended)
            infos = {name: values for name, values in infos.items() if name.lstrip("_") not in ("task", "task_episode")}
            for place in np.flatnonzero(ended):  # the one thing that differs: which task began
                assert infos["depth"]["left"][place] == int(playing[place].split("-")[1])
                infos["depth"]["left"][place] = expected["depth"]["left"][place]
            same(infos, expected)
            compared += 1
            if np.any(ended):
                assert not np.all(ended)
                break
        assert compared == 2
    finally:
        ours.close()
        theirs.close()


def test_statistics_of_episodes_which_gymnasium_nests_survive_the_vector_form():
    envs = [lambda i=i: TaskReceiver(gymnasium.wrappers.RecordEpisodeStatistics(Corridor()), i) for i in range(2)]
    vector = SyncVectorEnv(envs, autoreset_mode=AutoresetMode.DISABLED)
    env = CurriculumVectorEnv(vector, make_stream(), success="solved")
    env.reset(seed=0)
    said = 0
    for _ in range(8):
        _, rewards, ended, _, infos = env.step(np.zeros(2, dtype=np.int64))
        for place in np.flatnonzero(ended):
            assert infos["final_info"]["episode"]["r"][place] == rewards[place]
            said += 1
    assert said >= 4


def test_a_part_of_a_vector_cannot_be_reset_by_hand():
    env = make_vector(SyncVectorEnv, make_stream())
    env.reset(seed=0)
    playing = list(env.playing)
    with pytest.raises(ValueError, match="'reset_mask', but a reset begins an episode everywhere"):
        env.reset(options={"reset_mask": np.array([True, False, False])})
    assert env.playing == playing


@pytest.mark.parametrize("vector", [False, True], ids=["one", "vector"])
@pytest.mark.parametrize("reset", [False, True], ids=["plays on", "resets"])
def test_after_a_state_was_loaded_environments_begin_again_and_old_episodes_count_for_nothing(vector, reset):
    stream = make_stream(lengths_bank((2, 3)), batch_size=2)
    env = make_vector(SyncVectorEnv, stream, number=1) if vector else CurriculumEnv(Corridor(), stream)
    _, info = env.reset(seed=0)
    stream.load_state_dict(stream.state_dict())
    action = np.zeros(1, dtype=np.int64) if vector else 0
    if not reset:
        over = False
        while not over:
            _, _, over, _, info = env.step(action)
            assert info["task_episode"] == -1
    if reset or not vector:
        _, info = env.reset()
    answers = []
    for _ in range(10):
        _, _, over, _, info = env.step(action)
        assert info["task_episode"] > 0
        answers += stream.answer()
        if over and not vector:
            env.reset()
    assert answers
    assert all(np.array_equal(each.rollouts.rewards, each.rollouts.lengths) for each in answers)


def test_a_closed_stream_leaves_environments_free_to_be_reset():
    stream = make_stream(lengths_bank((3,)), batch_size=1)
    env = CurriculumEnv(Corridor(), stream)
    env.reset()
    stream.close()
    _, info = env.reset()
    assert info["task_episode"] == 1


def test_an_environment_made_anew_follows_the_seed_of_the_first_reset():
    def luck(seed):
        env = Rebuilt(lambda size: gymnasium.make("CartPole-v1", max_episode_steps=size), {"size": 2})
        seen = [env.reset(seed=seed, options={"size": 2})[0]]
        for size in (3, 3, 2, 3):
            seen.append(env.reset(options={"size": size})[0])
        return np.array(seen)

    first, again = luck(5), luck(5)
    np.testing.assert_array_equal(first, again)
    assert len(np.unique(first[:, 0])) == len(first)
    assert not np.array_equal(first[1:], luck(6)[1:])
