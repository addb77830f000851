"""Generated banks: kept on disk, the same after loading, and no problem in two splits."""

import json

import pytest

pytest.importorskip("reasoning_gym")

import reasoning_gym
from reasoning_gym.factory import DATASETS

from curriculum_bandits.adapters.banks import generated
from curriculum_bandits.adapters.banks.build import BankSpec, build_banks
from curriculum_bandits.adapters.banks.generated import Mixture, generate, load_mixture, mixture_bank
from curriculum_bandits.adapters.banks.mixtures import MIXTURES
from curriculum_bandits.adapters.banks.stored import from_line, to_line
from curriculum_bandits.reasoning_gym import REFUSED, safe_score

SLOW = (
    "knight_swap",
    "sudoku",
    "figlet_font",
    "group_anagrams",
    "composite",
    "rush_hour",
    "arc_agi",
    "zebra_puzzles",
    "futoshiki",
)
SUMS = {"chain_sum": {"easy": {"min_terms": 2, "max_terms": 2}, "hard": {"min_terms": 5, "max_terms": 5}}}


@pytest.mark.parametrize("family", sorted(set(DATASETS) - set(REFUSED) - set(SLOW)))
def test_scores_are_the_same_after_storing(family):
    dataset, other = (reasoning_gym.create_dataset(family, size=2, seed=seed) for seed in (7, 0))
    entry, next_entry = dataset[0], dataset[1]
    stored = from_line(to_line(entry))
    assert stored == entry
    right = str(entry["answer"])
    for text in (right, str(next_entry["answer"]), right * 2, "", "[1, 2]", "x"):
        assert safe_score(other, family, text, stored) == safe_score(dataset, family, text, entry)


def test_tuples_sets_and_number_keys_survive():
    entry = {"a": (1, (2.5, "x")), "b": {1: "one", (2, 3): None}, "c": {3, 1}, "__kind__": "tuple", "d": [True]}
    assert from_line(to_line(entry)) == entry
    with pytest.raises(TypeError, match="object"):
        to_line({"a": object()})


def test_a_bank_is_generated_once(tmp_path, monkeypatch):
    mixture = Mixture(SUMS, size=20)
    folder = generate(mixture, tmp_path, progress=False)
    monkeypatch.setattr(generated, "_generator", None)  # whoever generates now fails
    assert generate(mixture, tmp_path, progress=False) == folder
    assert len(load_mixture(folder, mixture)) == 20
    assert json.loads((folder / "bank.json").read_text())["families"] == SUMS
    assert not list(folder.glob("*.tmp"))


def test_generation_goes_on_where_it_was_interrupted(tmp_path, monkeypatch):
    monkeypatch.setattr(generated, "_PART", 4)
    mixture = Mixture(SUMS, size=20)
    whole = load_mixture(generate(mixture, tmp_path / "whole", workers=1, progress=False), mixture)
    write, calls = generated._Part.write, []

    def interrupted(part, folder):
        calls.append(part.number)
        if len(calls) == 3:
            raise KeyboardInterrupt
        write(part, folder)

    monkeypatch.setattr(generated._Part, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        generate(mixture, tmp_path / "cut", workers=1, progress=False)
    folder = generate(mixture, tmp_path / "cut", workers=1, progress=False)
    assert calls[:3] == [0, 1, 2]
    assert calls[3:] == [2, 3, 4, 5]
    assert load_mixture(folder, mixture) == whole


def test_processes_generate_what_one_process_would(tmp_path, monkeypatch):
    mixture = Mixture(SUMS, size=600)
    one = load_mixture(generate(mixture, tmp_path / "one", workers=1, progress=False), mixture)
    two = load_mixture(generate(mixture, tmp_path / "two", workers=2, progress=False), mixture)
    assert one == two


def test_a_damaged_file_is_named(tmp_path):
    mixture = Mixture(SUMS, size=4)
    folder = generate(mixture, tmp_path, progress=False)
    (folder / "part-00001.jsonl").write_text("{}\n{")
    with pytest.raises(ValueError, match="part-00001"):
        load_mixture(folder, mixture)


def test_levels_and_splits_share_no_problem(tmp_path):
    same = {"a": {"min_digits": 6, "max_digits": 6}, "b": {"min_digits": 6, "max_digits": 6}}
    banks = build_banks(
        BankSpec.parse({"reasoning_gym": {"chain_sum": {"levels": same}}}, {"size": 300, "held_out": 200}),
        "held_out",
        tmp_path,
        progress=False,
    )
    assert banks.evaluation is not None
    assert len(set(banks.train.prompts)) == len(banks.train)
    assert not set(banks.train.prompts) & set(banks.evaluation.prompts)
    assert not set(banks.train.ids) & set(banks.evaluation.ids)


def test_held_out_prompts_leave_the_training_bank(tmp_path):
    tiny = {"products": {"all": {"min_terms": 2, "max_terms": 2, "min_digits": 1, "max_digits": 1}}}
    spec = BankSpec.parse({"reasoning_gym": {"products": {"levels": tiny["products"]}}}, {"size": 90, "held_out": 10})
    banks = build_banks(spec, "held_out", tmp_path, progress=False)
    assert banks.evaluation is not None
    assert len(banks.train) < 90
    assert not set(banks.train.prompts) & set(banks.evaluation.prompts)


@pytest.mark.parametrize("name", ["countdown", "arc_1d", "arithmetic"])
def test_a_named_mixture_is_judged_by_its_own_verifier(name, tmp_path):
    mixture = BankSpec.parse(name, {"size": 16}).mixture
    assert mixture is not None
    bank = mixture_bank(mixture, tmp_path, progress=False)
    assert len(bank.group_names) == sum(len(levels) for levels in MIXTURES[name].values())
    for item in range(len(bank)):
        assert bank.answers is not None
        assert bank.verify(item, f"I think <answer>{bank.answers[item]}</answer>") == 1.0
        assert bank.verify(item, f"{bank.answers[item]}") == 0.0
        assert bank.verify(item, "<answer>9**9**9**9</answer>") == 0.0


def test_levels_rise_in_difficulty(tmp_path):
    bank = mixture_bank(Mixture(SUMS, size=5), tmp_path, answer_form="whole", progress=False)
    assert bank.difficulty is not None
    assert bank.difficulty.tolist() == [0, 0, 0, 1, 1]
    assert bank.row(3)["group"] == "chain_sum/hard"


@pytest.mark.parametrize(
    ("bank", "settings", "message"),
    [
        ("cuontdown", {}, "did you mean 'countdown'"),
        ({"reasoning_gim": {}}, {}, "did you mean 'reasoning_gym'"),
        ({"reasoning_gym": {"countdwn": {}}}, {}, "did you mean 'countdown'"),
        ({"reasoning_gym": {"countdown": {"levels": {"a": {"min_nubmers": 3}}}}}, {}, "did you mean 'min_numbers'"),
        ({"reasoning_gym": {"countdown": {"levels": {"a": {"min_numbers": 9, "max_numbers": 3}}}}}, {}, "max_numbers"),
        ({"reasoning_gym": {"countdown": {"levels": []}}}, {}, "levels of countdown"),
        ({"reasoning_gym": {}}, {}, "no family"),
        ({"reasoning_gym": {"simple_integration": {}}}, {}, "cannot be used"),
        ("countdown", {"sise": 10}, "did you mean 'size'"),
        ("countdown", {"size": "many"}, "size is 'many'"),
        ("countdown", {"size": 2}, "size is 2"),
        ("countdown", {"answer_form": "tags"}, "answer_form is 'tags'"),
        ("countdown", {"held_out": 0}, "held_out is 0"),
        ({"jsonl": {}}, {}, "needs a path"),
        ({"jsonl": {"path": "x.jsonl", "split": "train"}}, {}, "no setting of a jsonl bank 'split'"),
        ({"jsonl": {"path": "x.jsonl", "verifier": "no_such_module:f"}}, {}, "no_such_module"),
        ({"jsonl": {"path": "x.jsonl", "verifier": "os.system('true')"}}, {}, "no import path"),
        (["countdown"], {}, "bank is"),
        ({"jsonl": 3}, {}, "give a mapping"),
    ],
)
def test_a_bank_that_makes_no_sense_is_refused_by_name(bank, settings, message):
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        BankSpec.parse(bank, settings)
