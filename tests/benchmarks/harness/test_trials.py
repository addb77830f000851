"""Cells of a grid, the names under which results are stored, and seeds as people write them."""

from dataclasses import dataclass, replace

import pytest

from curriculum_bandits.benchmarks.harness.trials import Trial, grid, parse_seeds, seed_words, slug


@dataclass(frozen=True)
class Setting:
    steps: int = 3
    floor: float | None = None


@dataclass(frozen=True)
class Other:
    steps: int = 3
    floor: float | None = None


TRIAL = Trial("osmd(floor=0.2)", Setting(), 4, ("osmd", 1))


@pytest.mark.parametrize(
    "changed",
    [
        {"entry": "osmd"},
        {"setting": Setting(steps=4)},
        {"setting": Setting(floor=0.1)},
        {"setting": Other()},
        {"seed": 5},
        {"revision": ("osmd", 2)},
        {"revision": ()},
    ],
)
def test_every_part_of_a_trial_is_in_its_names(changed):
    other = replace(TRIAL, **changed)
    assert other.digest() != TRIAL.digest()
    assert other.file_name != TRIAL.file_name


def test_equal_trials_have_equal_names_which_never_change():
    again = replace(TRIAL)
    assert (again, again.digest(), again.file_name) == (TRIAL, TRIAL.digest(), TRIAL.file_name)
    assert TRIAL.file_name == "osmd-floor-0.2-4-" + TRIAL.digest()[:12]
    assert TRIAL.digest() == "fd481bcf7b703780c0de3f9c3faefd92"  # or every stored result is lost
    assert TRIAL.label == "osmd(floor=0.2), seed 4"


def test_long_and_strange_names_are_names_of_files():
    trial = replace(TRIAL, entry="../../my module:" + "x" * 300)
    assert "/" not in trial.file_name
    assert len(trial.file_name) < 100
    assert slug("a/b:c") == "a-b-c"


def test_a_grid_goes_seed_by_seed():
    trials = grid(["a", "b"], [Setting(1), Setting(2)], [7, 3], lambda entry, setting: [entry, setting.steps])
    assert [(t.seed, t.setting.steps, t.entry) for t in trials[:5]] == [
        (7, 1, "a"),
        (7, 1, "b"),
        (7, 2, "a"),
        (7, 2, "b"),
        (3, 1, "a"),
    ]
    assert trials[0].revision == ("a", 1)
    assert len({trial.file_name for trial in trials}) == len(trials) == 8


def test_seeds_are_read_as_they_are_written():
    for words, seeds in [(["0..3", 7], (0, 1, 2, 3, 7)), (["5"], (5,)), ([2, "0..1"], (2, 0, 1))]:
        assert parse_seeds(words) == seeds
        assert parse_seeds(seed_words(seeds)) == seeds
    assert seed_words([3, 4, 5, 9, 1]) == ["3..5", "9", "1"]


@pytest.mark.parametrize("words", [[], ["x"], ["3..1"], ["-1"], [1, "0..2"], ["1.5"], ["0..1..2"]])
def test_what_are_no_seeds_is_refused(words):
    with pytest.raises(ValueError, match="give"):
        parse_seeds(words)
