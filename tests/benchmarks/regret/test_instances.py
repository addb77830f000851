"""Instances and policies by name, and the errors for names and settings that do not exist."""

from __future__ import annotations

import numpy as np
import pytest

from curriculum_bandits.benchmarks.regret.instances import FAMILIES, means_from_file, parse_instances
from curriculum_bandits.benchmarks.regret.policies import parse_policies
from curriculum_bandits.benchmarks.regret.side_information import best_arm_segments, change_count, comparator_path
from curriculum_bandits.environments import Deterministic, besson_1, liu_lee_shroff, random_abrupt, sinusoid


def test_published_instances_and_their_settings():
    one, two = parse_instances(["besson_1(horizon=50)", "liu_lee_shroff(gap=0.05, horizon=30)"])
    np.testing.assert_array_equal(one.environment().means, besson_1(50).means)
    np.testing.assert_array_equal(two.environment().means, liu_lee_shroff(30, 0.05).means)
    assert [(i.label, i.horizon, i.family) for i in (one, two)] == [
        ("besson_1", 50, None),
        ("liu_lee_shroff(gap=0.05)", 30, None),
    ]


def test_horizons_go_to_instances_that_can_have_them_and_do_not_say_their_own():
    found = parse_instances(["besson_1", "besson_2(horizon=70)", "garivier_moulines", "sinusoid"], [50, 60])
    assert [(instance.label, instance.horizon) for instance in found] == [
        ("besson_1", 50),
        ("besson_1", 60),
        ("besson_2", 70),
        ("garivier_moulines", 10_000),
        ("sinusoid", 50),
        ("sinusoid", 60),
    ]


def test_a_range_is_a_family_and_a_name_alone_has_defaults():
    found = parse_instances(
        ["random_abrupt(n_arms=4, horizon=100, changes=2, seed=range(3, 6))", "random_abrupt(horizon=90)"]
    )
    assert [instance.label for instance in found[:3]] == [
        f"random_abrupt(n_arms=4, changes=2, seed={seed})" for seed in (3, 4, 5)
    ]
    assert {instance.family for instance in found[:3]} == {"random_abrupt(n_arms=4, changes=2, seed=range(3, 6))"}
    np.testing.assert_array_equal(found[1].environment().means, random_abrupt(4, 100, 2, seed=4).means)
    assert found[3].family is None
    assert found[3].environment().n_arms == 5


def test_a_family_is_whole_though_one_of_it_is_named_before():
    found = parse_instances(["random_abrupt(seed=1)", "random_abrupt(seed=range(3))"], [50])
    assert [(i.label, i.family is None) for i in found] == [(f"random_abrupt(seed={s})", False) for s in (1, 0, 2)]


def test_families_that_overlap_are_refused_and_one_family_twice_is_not():
    message = r"'random_abrupt\(seed=2\)' belongs to '.*seed=range\(4\)\)' and to '.*seed=range\(2, 6\)\)'; give"
    with pytest.raises(ValueError, match=message):
        parse_instances(["random_abrupt(seed=range(4))", "random_abrupt(seed=range(2, 6))"], [50])
    assert len(parse_instances(["random_abrupt(seed=range(4))", "random_abrupt(seed=range(4))"], [50])) == 4
    apart = parse_instances(["random_abrupt(seed=range(4), horizon=50)", "random_abrupt(seed=range(2, 6), horizon=60)"])
    assert len(apart) == 8


def test_every_instance_that_has_a_name_can_be_made():
    for name in FAMILIES:
        (instance,) = parse_instances([name])
        environment = instance.environment()
        assert environment.horizon == instance.horizon


def test_the_same_instance_is_taken_once_and_noise_makes_another():
    assert len(parse_instances(["besson_1(horizon=50)", "besson_1"], [50])) == 1
    (plain,), (still,) = (parse_instances([f"besson_1(horizon=50{noise})"]) for noise in ("", ", noise=deterministic"))
    assert still.environment().noise == Deterministic()
    assert plain.digest != still.digest


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("beson-1", "no instance 'beson_1'; did you mean 'besson_1' or 'besson_2'"),
        ("besson_1(gap=0.1)", "instance 'besson_1' has no setting 'gap'; there are: horizon"),
        ("besson_1:horizon=3", r"'besson_1:horizon=3' cannot be read; write name or name\(setting=value"),
        ("besson_1(horizon=long)", "horizon is 'long'; give a number"),
        ("besson_1(noise=loud)", "noise is 'loud'; choose one of bernoulli"),
        ("besson_1(noise=none)", "noise is 'none'; choose one of bernoulli, gaussian, deterministic"),
        ("besson_1(noise=0.1)", "noise is 0.1; choose one of bernoulli"),
        ("flipping(gap=2, horizon=9)", "gap is 2; it must be in"),
        ("random_abrupt(seed=range(5, 4))", r"seed=range\(5, 4\) is empty"),
        ("nowhere.csv", "there is no file nowhere.csv"),
        ("no_such_module:function", "No module named 'no_such_module'"),
        ("json:no_such_function", "no function in json 'no_such_function'"),
        ("json:__name__", "is a str; give a function"),
        ("platform:python_version", "it made a str; return an environments.Environment"),
    ],
)
def test_a_bad_instance_is_refused_with_what_there_is(word, message):
    with pytest.raises(ValueError, match=message):
        parse_instances([word])


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("exp9", "no policy 'exp9'; did you mean 'exp3'"),
        ("osmd(shar=1)", "policy 'osmd' has no setting 'shar'; did you mean 'share'"),
        ("osmd(plays=3)", "policy 'osmd' has no setting 'plays'"),
        ("osmd(step=large)", "step is 'large'; give a number"),
        ("uniform(a=1)", "policy 'uniform' has no setting 'a'; there are: none"),
        ("glr_kl_ucb(restart=sideways)", "restart is 'sideways'; choose one of global, local"),
        ("glr_kl_ucb(restart=1)", "restart is 1; choose one of global, local"),
        (
            "glr_kl_ucb_local(restart=local)",
            "policy 'glr_kl_ucb_local' has no setting 'restart'; there are: changes, exploration$",
        ),
        ("osmd(share)", r"'osmd\(share\)' gives \"share\" without a name; write setting=value"),
        ("no_such_module:policy", "No module named"),
    ],
)
def test_a_bad_policy_is_refused_with_what_there_is(word, message):
    with pytest.raises(ValueError, match=message):
        parse_policies([word])


def test_a_module_that_fails_while_it_is_imported_is_named(tmp_path, monkeypatch):
    (tmp_path / "broken_on_import.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match=r"'broken_on_import:policy': .*cannot be imported: ZeroDivisionError"):
        parse_policies(["broken_on_import:policy"])


def test_a_setting_may_be_one_of_the_words_that_its_annotation_names():
    environment = besson_1(50)
    own, local = parse_policies(["glr_kl_ucb(restart=local)", "glr_kl_ucb_local"])
    bandit = own.policy.bandit(environment, 1, plays=1, settings=dict(own.settings))
    assert bandit.statistics.restart == "local"
    assert local.policy.bandit(environment, 1, plays=1, settings={}).statistics.restart == "local"


MEANS = np.array([[0.1, 0.9], [0.2, 0.8], [0.3, 0.7]])


def test_means_from_npy_and_csv_with_and_without_headings(tmp_path):
    np.save(tmp_path / "a.npy", MEANS)
    np.savetxt(tmp_path / "b.csv", MEANS, delimiter=",")
    (tmp_path / "c.CSV").write_text("easy, hard\n\n0.1,0.9\n0.2, 0.8\n0.3,0.7\n")
    for name in ("a.npy", "b.csv", "c.CSV"):
        np.testing.assert_allclose(means_from_file(tmp_path / name), MEANS)
    found = parse_instances([str(tmp_path / name) for name in ("a.npy", "b.csv", "c.CSV(noise=deterministic)")], [10])
    assert [(instance.label, instance.horizon) for instance in found] == [
        ("a", 3),
        ("b", 3),
        ("c(noise=deterministic)", 3),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0.1,0.2\n0.3\n", "line 2 has 1 numbers, the lines before 2"),
        ("a,b\n0.1,0.2\n0.3,x\n", "line 3: .*'x'"),
        ("0.1,O.2\n0.3,0.4\n", "line 1: .*'O.2'"),
        ("0.1,\n0.3,0.4\n", "line 1: .*''"),
        ("a,b\nc,d\n0.3,0.4\n", "line 2: .*'c'"),
        ("a,b\n", "holds no numbers"),
        ("0.1,0.2\n0.3,1.4\n", "the mean of arm 1 in row 1 is 1.4; rescale"),
        ("0.1,nan\n", "the mean of arm 1 in row 0 is nan"),
    ],
)
def test_a_bad_table_is_refused_by_line(text, message, tmp_path):
    (tmp_path / "means.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        parse_instances([str(tmp_path / "means.csv")])


def test_a_bad_npy_and_two_files_of_one_name_are_refused(tmp_path):
    (tmp_path / "bad.npy").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"not a \.npy file of numbers"):
        parse_instances([str(tmp_path / "bad.npy")])
    (tmp_path / "other").mkdir()
    np.save(tmp_path / "a.npy", MEANS)
    np.save(tmp_path / "other" / "a.npy", MEANS / 2)
    with pytest.raises(ValueError, match="two different instances are called 'a'"):
        parse_instances([str(tmp_path / "a.npy"), str(tmp_path / "other" / "a.npy")])


def test_a_file_has_no_settings_but_noise(tmp_path):
    np.save(tmp_path / "a.npy", MEANS)
    with pytest.raises(ValueError, match="no settings but noise"):
        parse_instances([f"{tmp_path / 'a.npy'}(horizon=2)"])


def test_segments_are_the_fewest_that_a_best_arm_allows():
    assert best_arm_segments(besson_1().means).tolist() == [0, 2000]
    tied = [[0.5, 0.5], [0.6, 0.4], [0.5, 0.5], [0.4, 0.6]]
    assert best_arm_segments(tied).tolist() == [0, 3]
    assert comparator_path(besson_1(50)) == 2.0
    assert change_count(besson_1(50)) == 4
    assert change_count(sinusoid(100, variation=0.0)) == 1
    assert change_count(sinusoid(200, variation=3.0)) == len(best_arm_segments(sinusoid(200, variation=3.0).means)) - 1
