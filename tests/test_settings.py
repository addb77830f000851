"""A curriculum knows its settings: shown, saved, compared, and enough to rebuild it from a file."""

import functools

import numpy as np
import pytest

import curriculum_bandits as cb
from curriculum_bandits import Feedback, ProblemBank, methods
from curriculum_bandits.bandits import ScaleFree
from curriculum_bandits.bandits.curriculum.action_values import Boltzmann, Greedy
from curriculum_bandits.checkpoint import load_state, save_state
from curriculum_bandits.methods.registry import declared
from curriculum_bandits.neural import Proximal
from curriculum_bandits.settings import Settings
from curriculum_bandits.signals import policy_improvement, success_rate, tent

N = 24
FULL = ProblemBank(
    [f"p{i}" for i in range(N)],
    groups=["ab"[i % 2] for i in range(N)],
    difficulty=np.arange(N) // 6,
    features=np.column_stack([5 * (np.arange(N) // 6), np.arange(N) % 6]),
    columns={"weak_pass_rate": [0.2] * N, "strong_pass_rate": [0.6] * N},
)


def own_signal(rollouts):
    return Feedback(rollouts.rewards[:, 0], [1] * len(rollouts))


def make(name, seed=0, **settings):
    found = declared()[name]
    return found.make(FULL, seed=seed, **{**found.example, **settings})


def test_settings_are_every_argument_and_the_repr_is_what_differs():
    curriculum = methods.sec(FULL, 3, temperature=0.2, signal=tent)
    assert dict(curriculum.settings) == {
        "seed": 3, "rate": 0.5, "temperature": 0.2, "unheard": "stay", "signal": tent
    }  # fmt: skip
    assert repr(curriculum) == "sec(bank, seed=3, temperature=0.2, signal=tent)"
    assert repr(methods.sec(FULL, temperature=1.0)) == "sec(bank)"
    assert repr(methods.tscl(FULL, exploration=Greedy(0.2))) == "tscl(bank, exploration=Greedy(epsilon=0.2))"
    assert repr(methods.osmd(FULL, "problems")) == 'osmd(bank, arms="problems")'


def test_what_a_constructor_chose_is_among_the_settings():
    assert methods.osmd(FULL).settings["arms"] == "groups"
    assert methods.osmd(FULL, "problems").settings["share"] == 0.02
    curator = methods.actor_curator(FULL, loss=Proximal(clip=0.4))
    assert curator.settings["settings"].loss.clip == 0.4
    assert repr(curator) == "actor_curator(bank, loss=Proximal(clip=0.4))"


@pytest.mark.parametrize("name", declared())
def test_every_method_is_rebuilt_from_its_file_and_continues_bit_for_bit(name, tmp_path):
    original = make(name, seed=3)
    for _ in range(3):
        draw = original.ask(4)
        original.tell(draw, np.linspace(0, 1, 4))
    original.ask(3)
    original.save(tmp_path / "curriculum.npz")
    twin = cb.load(tmp_path / "curriculum.npz", FULL)
    np.testing.assert_equal(twin.state_dict(), original.state_dict())
    assert twin.settings["seed"] == 3
    for _ in range(3):
        draws = [each.ask(4) for each in (original, twin)]
        np.testing.assert_array_equal(draws[0].items, draws[1].items)
        for each, draw in zip((original, twin), draws, strict=True):
            each.tell(draw, np.linspace(1, 0, 4))


@pytest.mark.parametrize(
    ("saved", "here", "message"),
    [
        (("sec", {"temperature": 1.0}), ("sec", {"temperature": 0.2}), "temperature was 1.0 there and is 0.2 here"),
        (("sec", {"rate": 0.1}), ("sec", {"temperature": 0.2}), "rate was 0.1 .*; temperature was 1.0 "),
        (("osmd", {}), ("osmd", {"step": ScaleFree(memory=9)}), "step.memory was 5 there and is 9 here"),
        (("osmd", {"step": 0.1}), ("osmd", {}), "step was 0.1 there and is ScaleFree here"),
        (("osmd", {"arms": "problems"}), ("osmd", {}), "arms was 'problems' there and is 'groups' here"),
        (("tscl", {}), ("tscl", {"exploration": Boltzmann(0.1)}), "exploration was Greedy there and is Boltzmann here"),
        (("sec", {}), ("sec", {"signal": tent}), "signal was absolute_advantage there and is tent here"),
        (("sec", {"signal": own_signal}), ("sec", {}), "signal was own_signal there and is absolute_advantage here"),
        (("osmd", {"signal": functools.partial(policy_improvement, ratio="sequence")}), ("osmd", {}),
         "signal was policy_improvement with ratio there and is policy_improvement here"),
        (("spo", {"kept": (0.2, 0.6)}), ("spo", {}), r"kept was \[0.2, 0.6\] there and is \[0.875, 0.96\] here"),
        (("ads", {"clusters": np.arange(N) // 6}), ("ads", {}), "clusters was an array of shape .24,. there and is 4"),
        (("actor_curator", {"loss": Proximal(clip=0.4)}), ("actor_curator", {}),
         "settings.loss.clip was 0.4 there and is 0.2 here"),
    ],
)  # fmt: skip
def test_a_state_of_other_settings_is_refused_with_the_fields_that_differ(saved, here, message, tmp_path):
    save_state(tmp_path / "state.npz", make(saved[0], **saved[1]).state_dict())
    curriculum = make(here[0], **here[1])
    before = curriculum.state_dict()
    with pytest.raises(ValueError, match=f"the saved settings of curriculum differ: .*{message}"):
        curriculum.load_state_dict(load_state(tmp_path / "state.npz"))
    np.testing.assert_equal(curriculum.state_dict(), before)


def test_the_seed_and_where_the_work_is_done_may_differ():
    saved = methods.pcl(FULL, 1, candidates=2, progress=True).state_dict()
    twin = methods.pcl(FULL, 2, candidates=2, chunk=3, device="cpu")
    twin.load_state_dict(saved)
    assert twin.settings["seed"] == 1
    assert twin.settings["chunk"] == 3
    assert repr(twin) == 'pcl(bank, seed=1, candidates=2, chunk=3, device="cpu")'


def test_equal_settings_of_another_kind_are_the_same():
    sequence = functools.partial(policy_improvement, ratio="sequence")
    twin = methods.osmd(FULL, signal=functools.partial(policy_improvement, ratio="sequence"), utility_range=[0, 1])
    twin.load_state_dict(methods.osmd(FULL, signal=sequence, utility_range=(0.0, np.float64(1.0))).state_dict())


def test_what_a_file_cannot_hold_is_named_and_can_be_passed(tmp_path):
    from curriculum_bandits.neural import FeatureRows, MlpScorer
    from curriculum_bandits.neural.features import matrix_features

    path = tmp_path / "curriculum.npz"
    inputs, scorer = FeatureRows(matrix_features(FULL.features)), MlpScorer(2, heads=2)
    original = methods.actor_curator(FULL, inputs=inputs, scorer=scorer, signal=own_signal)
    original.tell(original.ask(4), [0.1, 0.2, 0.3, 0.4])
    original.save(path)
    objects = {"inputs": inputs, "scorer": MlpScorer(2, heads=2, seed=9)}
    with pytest.raises(
        ValueError, match=r"cannot hold .*signal \(.*own_signal\); pass .*load\(path, bank, signal=\.\.\."
    ):
        cb.load(path, FULL, **objects)
    twin = cb.load(path, FULL, signal=own_signal, **objects)
    np.testing.assert_array_equal(twin.ask(4).items, original.ask(4).items)
    with pytest.raises(ValueError, match=r"signal was .*own_signal there and is success_rate here"):
        cb.load(path, FULL, signal=success_rate, **objects)
    with pytest.raises(ValueError, match="has no setting 'scoror'; did you mean 'scorer"):
        cb.load(path, FULL, scoror=scorer)


def test_a_curriculum_that_is_told_late_is_rebuilt_too(tmp_path):
    late = cb.Delayed(methods.sec(FULL, temperature=0.2), steps=2)
    late.tell(late.ask(4), [0.1, 0.2, 0.3, 0.4])
    late.save(tmp_path / "late.npz")
    twin = cb.load(tmp_path / "late.npz", FULL)
    assert repr(twin) == "Delayed(sec(bank, temperature=0.2), steps=2)"
    np.testing.assert_equal(twin.state_dict(), late.state_dict())


def test_a_file_of_a_method_that_is_not_declared_is_refused(tmp_path):
    by_hand = cb.Curriculum(FULL, cb.bandits.ShuffledEpochs(N), success_rate, name="mine")
    assert repr(by_hand) == "mine(bank)"
    by_hand.save(tmp_path / "mine.npz")
    with pytest.raises(ValueError, match="'mine', which no declared method makes; import the module"):
        cb.load(tmp_path / "mine.npz", FULL)


@pytest.mark.parametrize(
    "path", ["os:system", "curriculum_bandits.grammar:import_function", "curriculum_bandits:nothing"]
)
def test_a_file_cannot_name_what_is_not_ours_or_no_value_object(path, tmp_path):
    state = methods.osmd(FULL).state_dict()
    state["settings"]["step"] = {"object": path, "fields": {}}
    save_state(tmp_path / "state.npz", state)
    with pytest.raises(ValueError, match=r"cannot be had|no value object"):
        cb.load(tmp_path / "state.npz", FULL)


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        (1.0, float("nan")),
        np.array([1.0, np.nan]),
        [np.array([1.0, 2.0]), np.array([3.0])],
        {"a": 1},
        np.array(["a", "b"]),
    ],
)
def test_a_setting_is_itself_after_a_file(value, tmp_path):
    save_state(tmp_path / "state", {"settings": Settings({"x": value}).state_dict()})
    Settings({"x": value}).continued(load_state(tmp_path / "state")["settings"])


@pytest.mark.parametrize(
    ("saved", "here"),
    [
        (float("nan"), 1.0),
        (np.array([1.0, np.nan]), np.array([np.nan, 1.0])),
        ([np.array([1.0, 2.0])], [np.array([1.0, 3.0])]),
        ([1.0], [1.0, 2.0]),
        (np.array(["a"]), np.array(["b"])),
    ],
)
def test_settings_of_other_numbers_differ(saved, here):
    with pytest.raises(ValueError, match="differ: x was"):
        Settings({"x": here}).continued(Settings({"x": saved}).state_dict())


def test_a_damaged_setting_is_a_value_error():
    with pytest.raises(ValueError, match="x was a dict there and is 1 here"):
        Settings({"x": 1}).continued({"x": {}})
