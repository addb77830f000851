"""What a run is: TRL's own GRPOConfig and ModelConfig, and beside them the few fields of a curriculum.

One YAML file holds all three, any field can be given on the command line, and what was resolved is a recipe again. All
that can be told from the words alone is checked here, before a model or a bank is loaded.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar, Literal, NoReturn

import yaml
from transformers.hf_argparser import HfArg
from trl import GRPOConfig, ModelConfig, TrlParser

from curriculum_bandits import Curriculum, ProblemBank, filters
from curriculum_bandits.grammar import import_function, unknown_name
from curriculum_bandits.methods.registry import NamedCurriculum, declared, find_signal, parse_curriculum, signal_names

from ..banks.build import HELD_OUT, BankSpec

__all__ = [
    "CurriculumConfig",
    "Recipe",
    "RecipeError",
    "find_recipe",
    "make_curriculum",
    "read_recipe",
    "shipped_recipes",
    "trainer_arguments",
]

_RECIPES = Path(__file__).parent / "recipes"


class RecipeError(ValueError):
    """A recipe that cannot be run; the message says why."""


@dataclass
class CurriculumConfig:
    """What is trained on, and what chooses it; ``curriculum-bandits llm --help`` explains every field.

    Fields that take a mapping take ``name=value,name=value`` as well. A `curriculum` is a method with settings, and
    what stands behind it: ``osmd(floor=0.2)+dapo+delayed(steps=2)``, or an import path in the place of the method.
    """

    _argument_group_name: ClassVar[str] = "the curriculum"

    bank: str | None = HfArg(
        default=None,
        help="mixture (countdown, zebra, arc_1d, arithmetic), or {kind: settings}: reasoning_gym, jsonl, dataset, math",
    )
    bank_settings: str | None = HfArg(default=None, help="of the bank, such as size=3000,seed=1")
    eval_bank: str | None = HfArg(default=None, help="as bank; or held_out, for other problems of it")
    eval_bank_settings: str | None = HfArg(default=None, help="of the bank of evaluation")
    bank_cache: str | None = HfArg(default=None, help="folder where generated banks are kept")
    curriculum: str = HfArg(
        default="actor_curator",
        help=f"one of {', '.join(declared())}, or package.module:function; with settings as in osmd(floor=0.2), with "
        "DAPO's filter as in uniform+dapo(max_draws=4), answered late as in osmd+delayed(steps=2)",
    )
    signal: str | None = HfArg(
        default=None,
        help=f"what teaches it: {', '.join(signal_names())}, with settings as in policy_improvement(ratio=sequence), "
        "or package.module:function; by default the method's own",
    )
    features: str = HfArg(
        default="default",
        help="what actor_curator reads: default (frozen features of the text), or the name or folder of a language "
        "model that is trained as the curator",
    )
    reward_funcs: list[str] | None = HfArg(  # noqa: RUF009  (it makes a field)
        default=None,
        help="package.module:function, several if you like; bank is the bank's verifier, the default",
    )
    prepare_only: bool = HfArg(default=False, help="generate the banks, then stop")
    overwrite_run: bool = HfArg(default=False, help="start anew in a folder that holds another run")

    def __post_init__(self) -> None:
        """Read mappings that came as text, and refuse names that do not exist."""
        for name in ("bank_settings", "eval_bank_settings"):
            setattr(self, name, _mapping(name, getattr(self, name)))
        for name in ("bank", "eval_bank"):
            setattr(self, name, _bank_word(getattr(self, name)))
        given: Any = self.reward_funcs
        self.reward_funcs = [given] if isinstance(given, str) else given
        if self.bank is None:
            raise ValueError("the recipe names no bank; give bank: countdown, or another")
        self.bank_spec  # noqa: B018  (raises)
        self.eval_spec  # noqa: B018
        self.rewards  # noqa: B018
        trainer_arguments(self.named)
        if self.features != "default" and self.named.method.name != "actor_curator":
            raise ValueError(f"features is {self.features!r}, which only actor_curator reads, not {self.curriculum}")

    @property
    def bank_spec(self) -> BankSpec:
        """The training bank, checked."""
        return BankSpec.parse(self.bank, _mapping("bank_settings", self.bank_settings))

    @property
    def eval_spec(self) -> BankSpec | str | None:
        """The bank of evaluation, checked."""
        if self.eval_bank is None or self.eval_bank == HELD_OUT:
            return self.eval_bank
        return BankSpec.parse(self.eval_bank, _mapping("eval_bank_settings", self.eval_bank_settings))

    @property
    def rewards(self) -> list[Callable[..., Any] | None]:
        """Reward functions; None stands for the bank's verifier."""
        return [None if path == "bank" else import_function(path) for path in self.reward_funcs or ["bank"]]

    @property
    def named(self) -> NamedCurriculum:
        """The method with its settings, the signal among them, and what stands behind it."""
        named = parse_curriculum(self.curriculum)
        if self.signal is None:
            return named
        if "signal" in named.settings:
            raise ValueError(f"signal is {self.signal!r}, and {self.curriculum} has one of its own; give it once")
        return dataclasses.replace(named, settings={**named.settings, "signal": find_signal(self.signal)})


@dataclass(frozen=True)
class Recipe:
    """A run, parsed.

    Attributes:
        curriculum: Our fields.
        training: TRL's.
        model: TRL's.
        resolved: Every field as it was given or is by default, before TRL derived anything from it: a recipe again.
    """

    curriculum: CurriculumConfig
    training: GRPOConfig
    model: ModelConfig
    resolved: Mapping[str, Any]

    @property
    def prompts_per_batch(self) -> int:
        """Problems in a generation batch."""
        return int(self.training.generation_batch_size // self.training.num_generations)

    @property
    def prompts_per_update(self) -> int:
        """Problems in an optimizer step."""
        processes = int(self.training.world_size)
        rows = self.training.per_device_train_batch_size * self.training.gradient_accumulation_steps * processes
        return int(rows // self.training.num_generations)


class _Parser(TrlParser):
    """TRL's parser, with our fields first in its help and one line in the place of a usage of two hundred fields."""

    def __init__(self) -> None:
        super().__init__(
            (CurriculumConfig, GRPOConfig, ModelConfig),
            allow_abbrev=False,
            prog="curriculum-bandits llm",
            usage="curriculum-bandits llm --config RECIPE [--FIELD VALUE ...]",
            description="Post-train a language model with TRL's GRPO on what a curriculum chooses. RECIPE is a YAML "
            f"file, or the name of one of those shipped: {', '.join(shipped_recipes())}. Any field of it, and every "
            "field below, can be given on the command line, which wins.",
        )
        title = CurriculumConfig._argument_group_name
        self._action_groups.sort(key=lambda group: group.title != title)

    def error(self, message: str) -> NoReturn:
        raise RecipeError(message)


def shipped_recipes() -> list[str]:
    """Names of the recipes that come with the package."""
    return sorted(path.stem for path in _RECIPES.glob("*.yaml"))


def find_recipe(name: str) -> Path:
    """A recipe by its path, or by its name among those shipped, such as ``countdown_gspo``.

    Raises:
        RecipeError: If there is none.
    """
    if Path(name).is_file():
        return Path(name)
    shipped = _RECIPES / f"{name.removesuffix('.yaml')}.yaml"
    if os.sep not in name and shipped.is_file():
        return shipped
    raise RecipeError(str(unknown_name("recipe", name.removesuffix(".yaml"), shipped_recipes())))


def read_recipe(words: Sequence[str]) -> Recipe:
    """Parse a command line, ``--config RECIPE`` and fields, and check what can be checked without loading anything.

    Raises:
        RecipeError: If anything in it is wrong; the message names it, and the nearest name there is.
        SystemExit: After ``--help``.
    """
    parser = _Parser()
    words, config = _config(list(words))
    known = [f.name for f in _fields()]
    for name in config:
        if name not in known:
            raise RecipeError(str(unknown_name("field", str(name), known)))
    parser.set_defaults_with_config(**config)
    namespace, unknown = parser.parse_known_args(words)
    for word in unknown:
        if word.startswith("--"):
            raise RecipeError(str(unknown_name("field", word[2:].split("=")[0], known)))
    if unknown:
        raise RecipeError(f"{unknown[0]!r} belongs to no field; write --field value")
    values = {name: value for name, value in vars(namespace).items() if name in known}
    try:
        ours = CurriculumConfig(**_of(CurriculumConfig, values))
        training, model = GRPOConfig(**_of(GRPOConfig, values)), ModelConfig(**_of(ModelConfig, values))
    except (ValueError, TypeError, ModuleNotFoundError) as error:
        raise RecipeError(" ".join(str(error).split())) from error
    if not model.model_name_or_path and not ours.prepare_only:
        raise RecipeError("the recipe names no model; give --model_name_or_path")
    # As our own fields read them: a mapping may have come as text.
    values |= {f.name: getattr(ours, f.name) for f in dataclasses.fields(ours)}
    return Recipe(ours, training, model, {name: _plain(values[name]) for name in known if name in values})


def make_curriculum(config: CurriculumConfig, bank: ProblemBank, *, seed: int, device: Any = None) -> Curriculum:
    """The curriculum that a recipe asks for.

    Args:
        config: Our fields.
        bank: What it chooses from.
        seed: Of its draws.
        device: Where a language model runs that reads the problems.

    Raises:
        RecipeError: If the method cannot work with the bank or the settings.
    """
    named, objects = config.named, {}
    try:
        if config.features != "default":
            objects = _language_model(
                config.features, bank, seed, device, paper=named.settings.get("preset") == "paper"
            )
        return dataclasses.replace(named, settings={**named.settings, **objects}).make(bank, seed)
    except (TypeError, ValueError, AttributeError, ModuleNotFoundError) as error:
        raise RecipeError(f"the curriculum {config.curriculum!r} cannot be made: {error}") from error


def trainer_arguments(named: NamedCurriculum) -> dict[str, Any]:
    """The filter behind a method, as the argument ``refills`` of `CurriculumGRPOTrainer`, where there is one.

    Raises:
        ValueError: If the filter is not DAPO's: the others roll out differently, which TRL does itself.

    >>> trainer_arguments(parse_curriculum("sec+dapo(max_draws=4)+delayed(steps=2)"))
    {'refills': 3}
    """
    for call in named.filters:
        if call.name != "dapo":
            raise ValueError(
                f"{named.label} has the filter {call.name}; TRL makes its rollouts itself, and can have dapo"
            )
        return {"refills": filters.ZeroVarianceFilter(**call.settings).max_draws - 1}
    return {}


def _language_model(name: str, bank: ProblemBank, seed: int, device: Any, *, paper: bool) -> dict[str, Any]:
    """A language model that reads the problems, as arguments of the curator."""
    from transformers import AutoTokenizer

    from curriculum_bandits import neural

    start: Literal["normal", "zero"] = "normal" if paper else "zero"
    scorer = neural.TransformerScorer.from_pretrained(name, head_init=start, seed=seed)
    inputs = neural.PromptTokens(bank, AutoTokenizer.from_pretrained(name))
    return {"scorer": scorer, "inputs": inputs, "device": device}


def _config(words: list[str]) -> tuple[list[str], dict[str, Any]]:
    """Take ``--config FILE`` out of the words, and read the file."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--config")
    try:
        found, rest = parser.parse_known_args(words)
    except argparse.ArgumentError:
        raise RecipeError("--config is given without a file") from None
    if found.config is None:
        return rest, {}
    path = find_recipe(found.config)
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise RecipeError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(config, dict):
        raise RecipeError(f"{path} holds a {type(config).__name__}; write field: value on each line")
    variables = config.pop("env", {})
    if not isinstance(variables, dict):
        raise RecipeError(f"env in {path} is {variables!r}; give a mapping of environment variables")
    os.environ.update({str(key): str(value) for key, value in variables.items()})
    return rest, config


def _fields() -> Iterable[dataclasses.Field]:
    for kind in (CurriculumConfig, GRPOConfig, ModelConfig):
        yield from (f for f in dataclasses.fields(kind) if f.init)


def _of(kind: type, values: Mapping[str, Any]) -> dict[str, Any]:
    return {f.name: values[f.name] for f in dataclasses.fields(kind) if f.init and f.name in values}


def _mapping(name: str, value: Any) -> dict[str, Any]:
    """A mapping, as YAML or JSON text, or as ``name=value,name=value``."""
    if value is None:
        return {}
    if isinstance(value, str):
        text = value.strip()
        try:
            if text.startswith("{"):
                value = yaml.safe_load(text)
            else:
                pairs = [pair.partition("=") for pair in text.split(",") if pair.strip()]
                if not all(equals for _, equals, _ in pairs):
                    raise ValueError
                value = {key.strip(): _scalar(words) for key, _, words in pairs}
        except (ValueError, yaml.YAMLError):
            raise ValueError(f"{name} is {text!r}; write name=value,name=value, or {{name: value}}") from None
    if not isinstance(value, Mapping):
        raise ValueError(f"{name} is {value!r}; give a mapping of settings")
    return {str(key): _scalar(part) if isinstance(part, str) else part for key, part in value.items()}


def _scalar(text: str) -> Any:
    """A number where it is one: YAML itself takes 1e-6 for a text."""
    try:
        return float(text) if "e" in text.lower() or "." in text else int(text)
    except ValueError:
        pass
    words = {"true": True, "false": False, "none": None, "null": None}
    return words.get(text.strip().lower(), text)


def _bank_word(value: Any) -> Any:
    if isinstance(value, str) and value.strip().startswith("{"):
        try:
            return yaml.safe_load(value)
        except yaml.YAMLError:
            raise ValueError(f"bank is {value!r}, which is not YAML; write {{kind: {{setting: value}}}}") from None
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
