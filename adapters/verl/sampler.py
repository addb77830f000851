"""A curriculum as verl's own curriculum sampler, which the trainer asks for rows and tells about every batch.

verl names no row once a batch is on its way: it reorders rows and gives each drawn row a fresh ``uid``. What stays is
``extra_info``, so a problem is known by its ``data_source`` and ``extra_info.index``. No log-probabilities after the
update come with the batch, so a method that learns from them is refused.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from curriculum_bandits import Curriculum, Draw, Feedback, ProblemBank, Rollouts
from curriculum_bandits.methods.registry import find_signal, parse_curriculum

try:
    from verl.experimental.dataset.sampler import AbstractCurriculumSampler  # type: ignore[import-not-found]
except (
    ModuleNotFoundError
) as error:  # without verl there is nothing to plug into, but the sampler can be read and tried
    if error.name != "verl":
        raise
    AbstractCurriculumSampler = object

__all__ = ["CurriculumSampler"]

logger = logging.getLogger(__name__)


class CurriculumSampler(AbstractCurriculumSampler):
    """Rows as the curriculum wants them, batch by batch.

    Args:
        data_source: verl's data set; its ``dataframe`` has the columns of the files.
        data_config: The ``data`` part of verl's configuration. ``sampler.method`` names a method with
            settings, such as ``sec(temperature=0.2)`` (``learnability`` if there is none), ``sampler.signal`` a signal
            in place of the method's own, ``sampler.seed`` its seed (0).

    Raises:
        ValueError: If rows cannot be told apart, method or signal is unknown, or the method's signal needs
            log-probabilities after the update.
    """

    def __init__(self, data_source: Any, data_config: Any) -> None:
        self.batch_size = int(data_config.get("gen_batch_size", None) or data_config.train_batch_size)
        self.curriculum = self.make_curriculum(self.make_bank(data_source, data_config), data_config)
        if self.curriculum.needs_log_ratio:
            raise ValueError(
                f"the signal of {self.curriculum.name!r} compares log-probabilities before and after the update, and "
                "verl brings none from after it; set data.sampler.signal to one that reads rewards alone, such as "
                "absolute_advantage or success_rate"
            )
        self._item = {identity: item for item, identity in enumerate(self.curriculum.bank.ids)}
        self._drawn = 0  # in this epoch

    def make_bank(self, data_source: Any, data_config: Any) -> ProblemBank:
        """The problems, row by row; override for groups or difficulties of your own.

        Returns:
            A bank with ids ``data_source/index``, and the data sources as groups where there are several.
        """
        table = data_source.dataframe
        prompts = list(table[data_config.get("prompt_key", "prompt")])
        infos = table["extra_info"] if "extra_info" in table.column_names else [{}] * len(prompts)
        sources = table["data_source"] if "data_source" in table.column_names else [""] * len(prompts)
        ids = [_identity(source, info) for source, info in zip(sources, infos, strict=True)]
        identity, copies = Counter(ids).most_common(1)[0]
        if copies > 1:
            raise ValueError(
                f"two rows are both {identity!r}; give each of a data_source an extra_info.index of its own"
            )
        return ProblemBank(prompts, ids=ids, groups=list(map(str, sources)) if len(set(sources)) > 1 else None)

    def make_curriculum(self, bank: ProblemBank, data_config: Any) -> Curriculum:
        """The curriculum; override for settings that the configuration does not name."""
        chosen = data_config.sampler
        named, signal = parse_curriculum(str(chosen.get("method", "learnability"))), chosen.get("signal", None)
        if named.filters or named.delay:
            raise ValueError(
                f"data.sampler.method is {named.label!r}; verl makes its rollouts itself, name a method alone"
            )
        settings = {**named.settings, **({"signal": find_signal(str(signal))} if signal else {})}
        return replace(named, settings=settings).make(bank, int(chosen.get("seed", 0)))  # type: ignore[no-any-return]

    def __len__(self) -> int:
        return len(self._item)

    def __iter__(self) -> Iterator[int]:
        """Row numbers until as many batches were drawn as the data set has; drawn when the first row is wanted."""
        while self._drawn < len(self) // self.batch_size:
            self._drawn += 1
            yield from self.curriculum.ask(self.batch_size).items.tolist()
        self._drawn = 0

    def update(self, batch: Any) -> None:
        """Hear what a batch brought; the trainer calls this at the end of every step.

        Args:
            batch: A `verl.DataProto`, its rows in any order. Problems without a row count as missing.

        Raises:
            ValueError: If a row belongs to no problem that was drawn. The curriculum is then as it was.
        """
        tensors, others = batch.batch, batch.non_tensor_batch
        rewards = tensors["token_level_scores"].sum(dim=-1).double().cpu().numpy()
        lengths = tensors["response_mask"].sum(dim=-1).double().cpu().numpy()
        sources = others["data_source"] if "data_source" in others else [""] * len(rewards)
        groups: dict[tuple[int, str], list[int]] = defaultdict(list)
        for row, (source, info) in enumerate(zip(sources, others["extra_info"], strict=True)):
            groups[self._item.get(_identity(source, info), -1), str(others["uid"][row])].append(row)
        of_item: dict[int, list[list[int]]] = defaultdict(list)
        for (item, _), rows in groups.items():
            of_item[item].append(rows)
        width = max(map(len, groups.values()), default=1)
        answers: list[tuple[Draw, Feedback | None]] = []
        for draw in self.curriculum.outstanding:
            drawn = [of_item[item].pop(0) if of_item[item] else [] for item in draw.items.tolist()]
            padded = np.full((2, len(draw), width), np.nan)
            for position, rows in enumerate(drawn):
                padded[:, position, : len(rows)] = rewards[rows], lengths[rows]
            found = Rollouts(padded[0], lengths=np.nan_to_num(padded[1]))
            answers.append((draw, self.curriculum.signal(found) if any(drawn) else None))
        if any(of_item.values()):
            raise ValueError("a batch has rows of problems that no open draw holds; give what this sampler drew")
        for draw, feedback in answers:
            self._give_up(draw) if feedback is None else self.curriculum.tell(draw, feedback)

    def _give_up(self, draw: Draw) -> None:
        logger.warning("verl reported nothing of draw %d; it is given up", draw.ticket.serial)
        self.curriculum.discard(draw)

    def state_dict(self) -> dict[str, Any]:
        """What verl puts into the state of its loader."""
        return {"curriculum": self.curriculum.state_dict(), "drawn": self._drawn}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue; verl saves before it reports, so a draw that was open then can never be answered."""
        self.curriculum.load_state_dict(state["curriculum"])
        self._drawn = int(state["drawn"]) % max(len(self) // self.batch_size, 1)
        for draw in self.curriculum.outstanding:
            self._give_up(draw)


def _identity(source: Any, info: Any) -> str:
    return f"{source}/{(info or {}).get('index', 0)}"
