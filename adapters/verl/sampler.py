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

from curriculum_bandits import Curriculum, ProblemBank
from curriculum_bandits.collector import Collector
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
        self.collector = Collector(self.curriculum, self.batch_size, n_rollouts=None, at_once=False)
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
        if named.filters:
            raise ValueError(
                f"data.sampler.method is {named.label!r}; verl makes its rollouts itself, leave out the filter"
            )
        settings = {**named.settings, **({"signal": find_signal(str(signal))} if signal else {})}
        return replace(named, settings=settings).make(bank, int(chosen.get("seed", 0)))  # type: ignore[no-any-return]

    def __len__(self) -> int:
        return len(self.curriculum.bank)

    def __iter__(self) -> Iterator[int]:
        """Row numbers until as many batches were drawn as the data set has; drawn when the first row is wanted."""
        while self._drawn < len(self) // self.batch_size:
            self._drawn += 1
            yield from [task.item for task in self.collector.ask(self.batch_size)]
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
        groups: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        for row, (source, info) in enumerate(zip(sources, others["extra_info"], strict=True)):
            groups[_identity(source, info)][str(others["uid"][row])].append(row)
        known = set(self.curriculum.bank.ids)
        out = {identity: self.collector.out(identity) if identity in known else [] for identity in groups}
        if any(len(groups[identity]) > len(tasks) for identity, tasks in out.items()):
            raise ValueError("a batch has rows of problems that no open draw holds; give what this sampler drew")
        for identity, tasks in out.items():
            for task, rows in zip(tasks, groups[identity].values(), strict=False):
                self.collector.tell(task.ticket, task.place, rewards[rows], length=lengths[rows])
        self._close()

    def _close(self) -> None:
        before = self.collector.counts["given_up"]
        self.collector.close()
        if self.collector.counts["given_up"] > before:
            logger.warning("verl reported nothing of %d draws; given up", self.collector.counts["given_up"] - before)

    def state_dict(self) -> dict[str, Any]:
        """What verl puts into the state of its loader."""
        return {"collector": self.collector.state_dict(), "drawn": self._drawn}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue; verl saves before it reports, so a draw that was open then can never be answered."""
        self.collector.load_state_dict(state["collector"])
        self._drawn = int(state["drawn"]) % max(len(self) // self.batch_size, 1)
        self._close()


def _identity(source: Any, info: Any) -> str:
    return f"{source}/{(info or {}).get('index', 0)}"
