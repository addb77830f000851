"""The headline benchmark made small: its banks, a run and its resume, what is read off curves, the command."""

import json
import os
import signal
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("trl")
pytest.importorskip("reasoning_gym")
pytest.importorskip("matplotlib")

from curriculum_bandits import ProblemBank
from curriculum_bandits.adapters.trl.tiny import tiny_tokenizer
from curriculum_bandits.benchmarks.harness.trials import Trial
from curriculum_bandits.benchmarks.llm import headline, play, warm_up
from curriculum_bandits.benchmarks.llm.banks import BANKS, demonstrations, groups_of, headline_banks
from curriculum_bandits.benchmarks.llm.play import find_entry
from curriculum_bandits.benchmarks.llm.report import BankComparison, figures, text_tables
from curriculum_bandits.benchmarks.llm.setting import SETTINGS, Setting
from curriculum_bandits.benchmarks.llm.warm_up import WarmUp, cache_key
from curriculum_bandits.curriculum import Curriculum
from curriculum_bandits.neural import DEFAULT
from tests.processes import launcher

SMALL = WarmUp(
    hidden=32,
    feed_forward=64,
    layers=1,
    heads=2,
    steps=3,
    batch_size=8,
    careless_steps=1,
    items=12,
    shares=(1.0, 1.0, 1.0, 0.5, 0.25),
    careless=(),
)
TINY = Setting(
    "arithmetic",
    training=4,
    held_out=2,
    warm_up=SMALL,
    problems=3,
    n_rollouts=2,
    max_completion=6,
    tokens=300,
    evaluations=3,
)


@pytest.mark.parametrize("bank", BANKS)
def test_no_held_out_prompt_is_trained_on_or_practised(bank):
    trained, judged = headline_banks(bank, seed=3, training=6, held_out=3)
    practised = demonstrations(bank, seed=3, per_group={0: 30, 1: 30}, held_out=3)
    held_out = set(judged.prompts)
    assert len(held_out) == len(judged) == 3 * len(groups_of(bank))
    assert held_out.isdisjoint(trained.prompts)
    assert held_out.isdisjoint(item.prompt for found in practised.values() for item in found)
    assert trained.group_names == judged.group_names == [group.label for group in groups_of(bank)]
    assert len(set(trained.difficulty)) == len({group.level for group in groups_of(bank)})
    again, _ = headline_banks(bank, seed=3, training=6, held_out=3)
    assert list(again.prompts) == list(trained.prompts)


@pytest.mark.parametrize("bank", BANKS)
def test_the_verifiers_accept_right_answers_and_reject_careless_ones(bank):
    trained, _ = headline_banks(bank, seed=5, training=5, held_out=1)
    place = {prompt: item for item, prompt in enumerate(trained.prompts)}
    right, careless, known = [], [], answers(bank)
    for group in groups_of(bank):
        for item in (place[prompt] for prompt in trained.prompts if trained.row(place[prompt])["group"] == group.label):
            prompt = trained.prompts[item]
            careless.append(trained.verify(item, prompt[1:-1]))
            right.append(trained.verify(item, known[prompt]))
    assert np.mean(right) == 1.0
    assert np.mean(careless) < 0.25
    assert {trained.verify(0, text) for text in ("", "x", "9**9**9", "[", "=")} == {0.0}


def answers(bank):
    """Right answers by prompt, from the same items."""
    from curriculum_bandits.benchmarks.llm import banks

    found = {}
    for group in groups_of(bank):
        judged = {prompt for prompt, _ in banks._held_out(bank, group, 5, 1)}
        for prompt, entry in banks._distinct(group, banks._source(bank, group, 5, banks._TRAINING), 5, judged):
            found[prompt] = group.family.target(entry)
    return found


def test_an_answer_with_other_digits_than_the_question_is_wrong_where_the_verifier_forgives_it():
    trained, _ = headline_banks("arithmetic", seed=5, training=4, held_out=1)
    item = next(i for i, prompt in enumerate(trained.prompts) if prompt.startswith("<") and "0" not in prompt)
    digits = sorted(trained.prompts[item][1:-1])
    assert trained.verify(item, "".join(digits)) == 1.0
    assert trained.verify(item, "".join([str(int(digits[0]) - 1), *digits[1:]])) == 0.0


def test_a_run_spends_its_tokens_and_says_what_it_drew(tmp_path):
    result = play.play(Trial("uniform", TINY, 0), tmp_path / "run", tmp_path / "cache")
    assert result.tokens[0] == result.step[0] == 0
    assert result.tokens[-1] >= TINY.tokens > result.tokens[-2]
    assert len(result.accuracy) == len(result.seconds) == len(result.wasted) + 1
    np.testing.assert_allclose(np.sum(list(result.drawn.values()), axis=0), 1.0)
    assert result.parts["step"] == pytest.approx(result.seconds[-1])
    for informative, wasted in zip(result.informative, result.wasted, strict=True):
        assert (informative == 0.0) == (wasted == 1.0)
    assert not list((tmp_path / "run").glob("checkpoint-*"))


def test_waste_is_weighed_by_prompts_and_answers_between_evaluations(tmp_path):
    bank = ProblemBank(["1", "333", "55555"], ids=["x", "y", "z"], groups=["short", "long", "long"])
    draws = [
        {"kind": "draw", "step": 1, "items": ["x", "z"], "group": ["short", "long"], "spread": [True, False],
         "completion_tokens": [10, 20]},
        {"kind": "draw", "step": 2, "items": ["y", "y"], "group": ["long", "long"], "spread": [False, True],
         "completion_tokens": [7, 9]},
        {"kind": "draw", "step": 3, "items": ["x", "x"], "group": ["short", "short"], "spread": [False, False],
         "completion_tokens": [1, 1]},
    ]  # fmt: skip
    steps = [
        {"kind": "step", "step": k, "seconds": {"step": k, "ask": 0.1, "rescore": 0.0, "tell": 0.2}} for k in (1, 2, 3)
    ]
    evaluations = [
        {"kind": "evaluation", "step": step, "tokens": float(tokens), "metrics": {"accuracy": accuracy}}
        for step, tokens, accuracy in ((0, 0, 0.25), (2, 80, 0.5), (3, 90, 0.75))
    ]
    lines = [*draws, *steps, *evaluations]
    (tmp_path / "record").write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"kind": "st')
    result = play._result(tmp_path / "record", bank, replace(TINY, n_rollouts=2))
    costs = [10 + 2 * 1, 20 + 2 * 5, 7 + 2 * 3, 9 + 2 * 3]
    assert result.wasted == pytest.approx([(costs[1] + costs[2]) / sum(costs), 1.0])
    assert result.informative == [0.5, 0.0]
    assert result.drawn == {"short": [0.25, 1.0], "long": [0.75, 0.0]}
    assert result.accuracy == [0.25, 0.5, 0.75]
    assert result.seconds == [0.0, 3.0, 6.0]
    assert result.parts == pytest.approx({"step": 6.0, "ask": 0.3, "rescore": 0.0, "tell": 0.6})
    assert result.tokens == [0, 80, 90]


@pytest.mark.parametrize(("name", "asked_before_the_first_answer"), [("osmd", 1), ("osmd+delayed(steps=2)", 3)])
def test_a_delay_behind_the_name_reaches_the_trainer(name, asked_before_the_first_answer, tmp_path, monkeypatch):
    events = []
    for word in ("ask", "tell"):
        monkeypatch.setattr(Curriculum, word, noted(events, word, getattr(Curriculum, word)))
    play.play(Trial(name, replace(TINY, tokens=2 * TINY.tokens), 0), tmp_path / "run", tmp_path / "cache")
    assert events.index("tell") == asked_before_the_first_answer


def noted(events, word, method):
    def noting(*arguments, **options):
        events.append(word)
        return method(*arguments, **options)

    return noting


def test_an_interrupted_run_goes_on_and_ends_as_one_that_was_not(tmp_path, monkeypatch):
    setting = replace(TINY, tokens=2500)  # a step with the filter may spend four times as much
    whole = play.play(Trial("osmd+dapo(max_draws=4)", setting, 0), tmp_path / "whole", tmp_path / "cache")
    evaluate, calls = play.held_out_accuracy, []

    def interrupted(*arguments, **options):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return evaluate(*arguments, **options)

    monkeypatch.setattr(play, "held_out_accuracy", interrupted)
    with pytest.raises(KeyboardInterrupt):
        play.play(Trial("osmd+dapo(max_draws=4)", setting, 0), tmp_path / "broken", tmp_path / "cache")
    spent = play.tokens_spent(tmp_path / "broken")
    assert whole.tokens[1] <= spent <= whole.tokens[2]
    resumed = play.play(Trial("osmd+dapo(max_draws=4)", setting, 0), tmp_path / "broken", tmp_path / "cache")
    assert play.tokens_spent(tmp_path / "broken") == whole.tokens[-1]
    for name in ("step", "tokens", "accuracy", "drawn", "informative", "wasted"):
        assert getattr(resumed, name) == getattr(whole, name)


def test_a_run_that_was_killed_before_its_result_was_stored_is_read_off_its_record(tmp_path, monkeypatch):
    trial = Trial("uniform", TINY, 0)
    whole = play.play(trial, tmp_path / "run", tmp_path / "cache")
    monkeypatch.setattr(play, "CurriculumGRPOTrainer", None)
    assert play.play(trial, tmp_path / "run", tmp_path / "cache") == whole


def made_up(accuracy, tokens=(0, 105, 203), seconds=(0.0, 1.0, 2.0)):
    return play.Result(
        step=[0, 60, 120],
        tokens=list(tokens),
        seconds=list(seconds),
        accuracy=list(accuracy),
        drawn={"a": [1.0, 1.0]},
        informative=[0.25, 0.75],
        wasted=[1.0, 0.0],
        parts={"step": 2.5, "ask": 0.1, "rescore": 0.5, "tell": 0.15},
    )


def test_a_method_twice_as_good_needs_fewer_tokens_and_its_cost_is_apart_from_rescoring():
    slow, fast = [made_up([0.0, 0.3, 0.6])] * 2, [made_up([0.0, 0.6, 0.6])] * 2
    rows = {row.standing.entry: row for row in BankComparison("b", 200, (0, 1), {"uniform": slow, "fast": fast}).rows()}
    assert rows["uniform"].standing.speedup.ratio.value == pytest.approx(1.0)
    assert rows["fast"].standing.speedup.ratio.value == pytest.approx(2.0, rel=0.1)
    assert rows["fast"].seconds.ratio.value == pytest.approx(2.0, rel=0.1)
    assert (rows["fast"].standing.improvement.value, rows["uniform"].standing.improvement.value) == (1.0, 0.5)
    assert rows["fast"].best.value == rows["fast"].early.value == 0.6
    assert rows["uniform"].early.value == 0.3
    assert rows["fast"].wasted == pytest.approx(105 / 203)
    assert rows["fast"].informative == pytest.approx(0.5)
    assert rows["fast"].overhead == pytest.approx(0.1)
    assert rows["fast"].rescoring == pytest.approx(0.2)


def test_the_map_of_what_was_drawn_has_its_groups_in_their_rows():
    results = [replace(made_up([0.0, 0.3, 0.6]), drawn={"a": [low, 0.75], "b": [1 - low, 0.25]}) for low in (0.0, 0.5)]
    figure = figures(BankComparison("b", 200, (0, 1), {"uniform": results}), "a note")["drawn-b.png"]()
    axes = figure.axes[0]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    shown = {label: list(row) for label, row in zip(labels, axes.images[0].get_array(), strict=True)}
    assert shown == {"a": [0.25, 0.75], "b": [0.75, 0.25]}


def test_the_warm_up_shows_families_alike_and_levels_by_their_shares():
    settings = replace(SMALL, shares=(1.0, 0.5), careless=(0.1, 0.7))
    tokenizer = tiny_tokenizer(warm_up.ALPHABET)
    lessons = warm_up._lessons("arithmetic", tokenizer, 0, settings, 2)
    found = {}
    rows = zip(lessons.tokens[0], lessons.labels[0], lessons.weights, lessons.careless, strict=True)
    for tokens, labels, weight, careless in rows:
        prompt = tokenizer.decode(tokens[labels < 0], skip_special_tokens=True)
        key = prompt[0], len(prompt)
        total, seen = found.get(key, (0.0, set()))
        found[key] = total + weight.item(), seen | {round(careless.item(), 6)}
    lengths = {"<": (3, 4), ">": (3, 4), "~": (5, 6)}  # two levels of the three families that are taught
    assert found == {
        (mark, length + 2): (pytest.approx(share), {careless})
        for mark, both in lengths.items()
        for length, share, careless in zip(both, (2 / 3, 1 / 3), (0.1, 0.7), strict=True)
    }


def test_the_strongest_rival_is_neither_ours_nor_uniform():
    curves = {
        "uniform": [0.0, 0.3, 0.6],
        "sec": [0.0, 0.4, 0.6],
        "pcl+filter": [0.0, 0.6, 0.6],
        "osmd[floor=0.1]": [0.0, 0.9, 0.9],
        "actor_curator": [0.0, 0.8, 0.8],
        "uniform+filter": [0.6, 0.9, 0.9],
    }
    comparison = BankComparison("b", 200, (0, 1), {method: [made_up(curve)] * 2 for method, curve in curves.items()})
    assert comparison.rival == "pcl+filter"
    beside = {row.standing.entry: row.beside.ratio.value for row in comparison.rows()}
    assert beside["pcl+filter"] == 1.0
    assert beside["actor_curator"] > 1.0 > beside["sec"]
    assert "strongest rival, pcl+filter" in text_tables([comparison], "")
    alone = BankComparison(
        "b", 200, (0, 1), {method: comparison.results[method] for method in ("uniform", "osmd[floor=0.1]")}
    )
    assert alone.rival is None
    assert all(row.beside is None for row in alone.rows())
    assert "rival" not in text_tables([alone], "").replace("beside the rival", "")


def test_a_comparison_with_seeds_missing_is_refused():
    with pytest.raises(ValueError, match=r"uniform has curves of shape \(1, 3\); give one per seed"):
        BankComparison("b", 200, (0, 1), {"uniform": [made_up([0, 0, 0])]})


def test_names_that_are_no_methods_are_refused_with_what_there_is():
    with pytest.raises(ValueError, match="there is no method 'nothing'; "):
        find_entry("nothing")
    with pytest.raises(ValueError, match="sec has no setting 'speed'"):
        find_entry("sec(speed=1)")
    with pytest.raises(ValueError, match="e2h needs steps"):
        find_entry("e2h")
    with pytest.raises(ValueError, match="TRL makes its rollouts itself, and can have dapo"):
        find_entry("uniform+speed")


def test_switches_of_the_curator_are_settings_of_it():
    bank, _ = headline_banks("arithmetic", seed=0, training=2, held_out=1)
    made = find_entry("actor_curator(congestion=0.25, signal=policy_improvement)+dapo").make(bank, 3)
    assert made.bandit.settings == replace(DEFAULT, congestion=0.25)
    assert made.needs_log_ratio
    assert find_entry("actor_curator").make(bank, 3).bandit.settings == DEFAULT
    with pytest.raises(ValueError, match="actor_curator has no setting 'congesion'; did you mean 'congestion'"):
        find_entry("actor_curator(congesion=0.25)")
    with pytest.raises(ValueError, match="congestion is 2"):
        find_entry("actor_curator(congestion=2)").make(bank, 3)


def test_other_settings_are_another_model():
    keys = {
        cache_key("arithmetic", 0, SMALL, 2),
        cache_key("arithmetic", 1, SMALL, 2),
        cache_key("arc_1d", 0, SMALL, 2),
        cache_key("arithmetic", 0, replace(SMALL, careless=(0.5,)), 2),
        cache_key("arithmetic", 0, SMALL, 3),
    }
    assert len(keys) == 5


PATIENT = replace(TINY, tokens=3000, evaluations=10)
_SCRIPT = """
import sys
from curriculum_bandits.benchmarks.llm import headline
from curriculum_bandits.benchmarks.llm.setting import SETTINGS
from tests.benchmarks.llm.test_headline import PATIENT

if __name__ == "__main__":
    SETTINGS["arithmetic"] = PATIENT
    sys.exit(headline.main(sys.argv[1:]))
"""


def test_control_c_ends_every_process_and_the_same_command_goes_on(tmp_path, monkeypatch, capsys):
    script, cache, model = tmp_path / "patient.py", tmp_path / "cache", cache_key("arithmetic", 0, SMALL, 2)
    script.write_text(_SCRIPT)
    words = ["--banks", "arithmetic", "--methods", "uniform", "osmd", "--seeds", "0", "--output", str(tmp_path / "out")]
    words += ["--cache", str(cache)]
    with launcher.command(str(script), *words, "--jobs", "2") as running:
        launcher.wait_for_files(running, tmp_path / "out", "runs/*/checkpoint-*/trainer_state.json", 1, 300)
        assert [folder.name for folder in cache.iterdir()] == [f"arithmetic-{model}"]
        os.killpg(running.pid, signal.SIGINT)  # as a terminal does: to every process
        _, said = running.communicate(timeout=120)
    assert running.returncode == 130, said
    assert "the same command goes on where it was" in said
    assert "Traceback" not in said, said
    assert not (tmp_path / "out" / "summary.txt").exists()
    monkeypatch.setitem(SETTINGS, "arithmetic", PATIENT)
    assert headline.main([*words, "--jobs", "1"]) == 0
    assert "osmd" in capsys.readouterr().out


def test_the_command_plays_compares_and_does_only_what_is_new(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(SETTINGS, "arithmetic", replace(TINY, tokens=150, evaluations=1))
    output = tmp_path / "out"
    words = ["--banks", "arithmetic", "--methods", "uniform", "actor_curator_paper", "--seeds", "0..1", "--jobs", "1"]
    words += ["--output", str(output), "--store", str(tmp_path / "runs"), "--cache", str(tmp_path / "cache")]
    assert headline.main(words) == 0
    printed = capsys.readouterr().out
    for word in (
        "final accuracy",
        "tokens to target",
        "actor_curator_paper",
        "best in 100 steps",
        "Command: python -m",
    ):
        assert word in printed
    document = json.loads((output / "settings.json").read_text())
    assert str(tmp_path) not in json.dumps(document)
    assert document["settings"]["revisions"] == {"uniform": 1, "actor_curator_paper": 1}
    for name in ("curves-arithmetic.png", "drawn-arithmetic.png"):
        assert (output / name).read_bytes().startswith(b"\x89PNG")
    table = (output / "summary.csv").read_text()
    with monkeypatch.context() as nothing_left_to_train:
        nothing_left_to_train.setattr(play, "CurriculumGRPOTrainer", None)
        assert headline.main(words) == 0
    assert (output / "summary.csv").read_text() == table
    monkeypatch.setitem(SETTINGS, "arithmetic", replace(TINY, tokens=151, evaluations=1))
    assert headline.main(words) == 0  # other runs, and the tables of the first are kept
    assert f"{output} held tables of other settings; they are in {output / 'earlier-1'} now" in capsys.readouterr().err
    assert (output / "earlier-1" / "summary.csv").read_text() == table


def test_a_bank_that_does_not_exist_is_wrong_use(capsys):
    with pytest.raises(SystemExit) as exit:
        headline.main(["--banks", "nowhere"])
    assert exit.value.code == 2
    assert "'nowhere' is none of the banks" in capsys.readouterr().err
