"""`CurriculumGRPOTrainer`: TRL's trainer, with the batch chosen at the moment it is generated.

A custom sampler would be late (the loader fetches ahead) and would break the groups. So the rows are bound late: when
TRL is about to generate, its rows are replaced by those the curriculum wants now. Once the update is done the same
rollouts are scored again by the updated policy, and the curriculum hears how much each problem improved.
"""

from __future__ import annotations

import inspect
import logging
import math
import os
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate.utils import broadcast_object_list
from datasets import Dataset
from transformers import TrainerCallback
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR
from trl import GRPOTrainer

from curriculum_bandits import Curriculum
from curriculum_bandits.checkpoint import load_state, save_state
from curriculum_bandits.metrics import batch_metrics, drawn_by_group

from .checks import check_bank_fills_batch, check_no_dropout, check_reward_columns, rows_by_id
from .generation_batch import ROW, GenerationBatch, Part, sum_log_ratio
from .rewards import bank_reward, with_length_check

__all__ = ["CurriculumGRPOTrainer"]

logger = logging.getLogger(__name__)

_STATE_FILE = "curriculum.npz"
_MOST_GROUPS_LOGGED = 64


class CurriculumGRPOTrainer(GRPOTrainer):
    """A `trl.GRPOTrainer` that trains on what a curriculum chooses.

    Everything else is TRL's: configuration, losses, generation, logging, evaluation, checkpoints. Metrics of the
    curriculum appear in the logs under ``curriculum/``; its state is saved with every checkpoint and comes back with
    ``resume_from_checkpoint``. The main process asks and tells, or every process where the curriculum's curator was
    made with ``together=True``.

    Args:
        model: As in `trl.GRPOTrainer`.
        reward_funcs: As in `trl.GRPOTrainer`; by default the verifier of the curriculum's bank.
        args: A `trl.GRPOConfig`.
        train_dataset: By default the curriculum's bank. A data set of one's own must have an ``id`` column with the ids
            of the bank; its rows are then used.
        curriculum: Chooses the problems and learns from them.
        **trainer_arguments: All other arguments of `trl.GRPOTrainer`, whose list differs between its versions.

    Raises:
        ValueError: If the model has dropout, the bank is smaller than one generation batch, the ids of `train_dataset`
            are not those of the bank, or a reward function needs a column that rows do not have.
    """

    def __init__(
        self,
        model: Any,
        reward_funcs: Any = None,
        args: Any = None,
        train_dataset: Any = None,
        *,
        curriculum: Curriculum,
        **trainer_arguments: Any,
    ) -> None:
        bank = curriculum.bank
        own_rows = None if train_dataset is None else rows_by_id(train_dataset, bank)
        if train_dataset is None:
            train_dataset = Dataset.from_list([bank.row(item) for item in range(len(bank))])
        if reward_funcs is None:
            reward_funcs = bank_reward(bank)
        given = reward_funcs if isinstance(reward_funcs, list) else [reward_funcs]
        check_reward_columns(given, train_dataset.column_names)
        self.curriculum = curriculum
        self._rows = train_dataset if own_rows is not None else None
        self._row_of_item = own_rows
        self._queue: list[GenerationBatch] = []  # generated, not yet answered; the last is the one in use
        self._seconds: dict[str, float] = defaultdict(float)
        self._step_began = time.perf_counter()
        self._recorded_logps: torch.Tensor | None = None
        self._recording = False
        super().__init__(model, [with_length_check(f) for f in given], args, train_dataset, **trainer_arguments)
        check_no_dropout(self.model)
        check_bank_fills_batch(bank, self.args.generation_batch_size // self.num_generations)
        self.add_callback(_AnswerCallback(self))

    # --- the draw, at the moment of generation -------------------------------------------------------------------

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        if not self.model.training:
            return super()._generate_and_score_completions(inputs)
        with self._timed("ask"):
            batch, items = self._draw(len(inputs))
        first = self.accelerator.process_index * len(inputs)
        rows = [self._row(int(item)) for item in items[first : first + len(inputs)]]
        self._queue.append(batch)
        try:
            output = super()._generate_and_score_completions(rows)
        except BaseException:
            self._queue.pop()
            if batch.draw is not None:
                self.curriculum.discard(batch.draw)
            raise
        output[ROW] = torch.arange(first, first + len(inputs), device=output["completion_ids"].device)
        if output.get("old_per_token_logps") is not None:
            batch.add(Part(dict(output), output["old_per_token_logps"]))
        return output

    def _draw(self, local_rows: int) -> tuple[GenerationBatch, np.ndarray]:
        """Ask where the curriculum is asked, and let every process know the problem of each row."""
        rows = local_rows * self.accelerator.num_processes
        draw = None
        shared: list[Any] = [None]
        if self._asks_here:
            draw = self.curriculum.ask(rows // self.num_generations)
            shared = [draw.items.tolist()]
        if self.accelerator.num_processes > 1 and not self.curriculum.together:
            broadcast_object_list(shared, from_process=0)
        micro_batches = self.args.steps_per_generation * self.num_iterations
        return GenerationBatch(draw, micro_batches), np.repeat(shared[0], self.num_generations)

    @property
    def _asks_here(self) -> bool:
        """Whether this process asks and tells: the main one, or all where the curriculum wants them together."""
        return self.accelerator.is_main_process or self.curriculum.together

    def _row(self, item: int) -> dict[str, Any]:
        if self._rows is None or self._row_of_item is None:
            return self.curriculum.bank.row(item)
        return dict(self._rows[int(self._row_of_item[item])])

    def _calculate_rewards(self, inputs: Any, prompts: Any, completions: Any, completion_ids_list: Any) -> torch.Tensor:
        rewards_per_func = super()._calculate_rewards(inputs, prompts, completions, completion_ids_list)
        if self.model.training:
            self._refuse_infinite(rewards_per_func, self._queue[-1])
            weighted = rewards_per_func.double() * self.reward_weights.to(rewards_per_func.device).double()
            missing = torch.isnan(rewards_per_func).all(dim=1)
            self._queue[-1].rewards = weighted.nansum(dim=1).masked_fill(missing, math.nan)
        return rewards_per_func

    def _refuse_infinite(self, rewards_per_func: torch.Tensor, batch: GenerationBatch) -> None:
        infinite = torch.isinf(rewards_per_func).nonzero()
        if len(infinite) == 0:
            return
        row, function = (int(i) for i in infinite[0])
        problem = f"row {row}"
        if batch.draw is not None:
            problem = f"problem {self.curriculum.bank.ids[batch.draw.items[row // self.num_generations]]!r}"
        name, value = self.reward_func_names[function], rewards_per_func[row, function].item()
        raise ValueError(
            f"the reward function {name!r} returned {value} for {problem}; return a finite reward, or None where there "
            "is none"
        )

    # --- log-probabilities before the update ---------------------------------------------------------------------

    def _compute_loss(self, model: Any, inputs: dict[str, Any]) -> torch.Tensor:
        if not self.model.training:
            return super()._compute_loss(model, inputs)
        batch, rows = self._queue[-1], set(inputs[ROW].tolist())
        self._recorded_logps, self._recording = None, True
        try:
            loss = super()._compute_loss(model, inputs)
        finally:
            self._recording = False
        if not rows <= batch.scored:
            self._keep_for_answer(batch, inputs)
        batch.consumed += 1
        batch.trained |= rows
        return loss

    def _keep_for_answer(self, batch: GenerationBatch, inputs: dict[str, Any]) -> None:
        """Keep this micro-batch with the log-probabilities its loss was computed from: free, and exact."""
        old_logps = self._recorded_logps
        if old_logps is None:  # a fused loss that never forms them: the weights are still those of the generation
            with self._timed("rescore"):
                old_logps = self._score(inputs)
        batch.add(Part(dict(inputs), old_logps.detach()))

    def _get_per_token_logps_and_entropies(self, *arguments: Any, **options: Any) -> Any:
        result = super()._get_per_token_logps_and_entropies(*arguments, **options)
        if self._recording and self._recorded_logps is None:
            self._recorded_logps = result[0].detach()
        return result

    def _score(self, inputs: dict[str, Any]) -> torch.Tensor:
        """Log-probabilities of the completion tokens under the model as it is now, shape (rows, tokens)."""
        method = super()._get_per_token_logps_and_entropies
        extra = {name: inputs[name] for name in inspect.signature(method).parameters if name in inputs}
        with torch.no_grad(), self.compute_loss_context_manager():
            logps: torch.Tensor = method(
                self.model,
                torch.cat([inputs["prompt_ids"], inputs["completion_ids"]], dim=1),
                torch.cat([inputs["prompt_mask"], inputs["completion_mask"]], dim=1),
                inputs["completion_ids"].size(1),
                batch_size=self.args.per_device_train_batch_size,
                **extra,
            )[0]
        return logps

    # --- the answer, after the whole update ----------------------------------------------------------------------

    def answer_finished_batches(self, *, all_batches: bool = False) -> None:
        """Tell the curriculum about every generation batch whose update is done; called after each optimizer step.

        Args:
            all_batches: Answer unfinished batches as well, as at the end of training.
        """
        waiting = []
        for batch in self._queue:
            if (batch.finished or all_batches) and batch.parts:
                self._answer(batch)
            elif all_batches and batch.draw is not None:
                self.curriculum.discard(batch.draw)
            else:
                waiting.append(batch)
        self._queue = [] if all_batches else waiting

    def _answer(self, batch: GenerationBatch) -> None:
        with self._timed("rescore"):
            scored = [sum_log_ratio(self._score(part.inputs), part) for part in batch.parts]
            rows = torch.cat([part.inputs[ROW] for part in batch.parts])
            log_ratio, lengths = (torch.cat(column) for column in zip(*scored, strict=True))
            trained = torch.tensor([row in batch.trained for row in rows.tolist()], device=rows.device)
            gathered = [self.accelerator.gather(x).cpu().numpy() for x in (rows, log_ratio, lengths, trained)]
        if batch.draw is None:
            return
        with self._timed("tell"):
            rollouts = batch.rollouts(*gathered)
            feedback = self.curriculum.signal(rollouts)
            self.curriculum.tell(batch.draw, feedback)
        entropy = self.curriculum.entropy()
        drawn = drawn_by_group(self.curriculum.bank, batch.draw.items)
        # What is by group has its group after a slash; what is not a number yet is left out.
        diagnostics = {
            name: value
            for name, value in self.curriculum.diagnostics().items()
            if math.isfinite(value) and ("/" not in name or len(drawn) <= _MOST_GROUPS_LOGGED)
        }
        self._log_curriculum(
            {
                **diagnostics,
                **batch_metrics(rollouts, feedback),
                "entropy": entropy,
                "effective_problems": math.exp(entropy),
                "problems": float(len(batch.draw)),
                **(
                    {f"drawn/{name}": share for name, share in drawn.items()}
                    if len(drawn) <= _MOST_GROUPS_LOGGED
                    else {}
                ),
            }
        )

    def _log_curriculum(self, metrics: dict[str, float]) -> None:
        for name, value in metrics.items():
            self._metrics["train"][f"curriculum/{name}"].append(value)

    def _log_cost(self) -> None:
        """Seconds the curriculum took in this step, by part, and their share of the step."""
        step = time.perf_counter() - self._step_began
        spent = {part: self._seconds[part] for part in ("ask", "rescore", "tell")}
        self._log_curriculum({f"seconds/{part}": seconds for part, seconds in spent.items()})
        self._log_curriculum({"step_share": sum(spent.values()) / step})

    @contextmanager
    def _timed(self, part: str) -> Iterator[None]:
        begin = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[part] += time.perf_counter() - begin

    def train(self, *arguments: Any, **options: Any) -> Any:
        """Train, as `trl.GRPOTrainer.train`; draws left open by an earlier call that failed are given up first."""
        for batch in self._queue:
            if batch.draw is not None:
                self.curriculum.discard(batch.draw)
        self._queue = []
        return super().train(*arguments, **options)

    # --- checkpoints ---------------------------------------------------------------------------------------------

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        if self.args.should_save:
            # First, so that no checkpoint of the model can exist without the curriculum's.
            folder = Path(self._get_output_dir(trial=trial)) / f"{PREFIX_CHECKPOINT_DIR}-{self.state.global_step}"
            folder.mkdir(parents=True, exist_ok=True)
            unanswered = [batch.draw.ticket.serial for batch in self._queue if batch.draw is not None]
            save_state(folder / _STATE_FILE, {"curriculum": self.curriculum.state_dict(), "unanswered": unanswered})
        super()._save_checkpoint(model, trial)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        super()._load_optimizer_and_scheduler(checkpoint)
        if checkpoint is None or not self._asks_here:
            return
        path = os.path.join(checkpoint, _STATE_FILE)
        if not os.path.exists(path):
            raise FileNotFoundError(
                f"{checkpoint} holds no {_STATE_FILE}: it was saved without a curriculum. Resume from a checkpoint of "
                "this trainer, or start the curriculum anew by loading only the model from it"
            )
        state = load_state(path)
        self.curriculum.load_state_dict(state["curriculum"])
        # TRL does not save the rest of a half-used generation batch, so its draw can never be answered.
        for draw in self.curriculum.outstanding:
            if draw.ticket.serial in state["unanswered"]:
                logger.warning("draw %d was in use when the checkpoint was saved; it is given up", draw.ticket.serial)
                self.curriculum.discard(draw)


class _AnswerCallback(TrainerCallback):
    """Calls the trainer back when an update is done."""

    def __init__(self, trainer: CurriculumGRPOTrainer) -> None:
        self._trainer = trainer

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._trainer._step_began = time.perf_counter()
        self._trainer._seconds.clear()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._trainer.answer_finished_batches()
        self._trainer._log_cost()

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._trainer.answer_finished_batches(all_batches=True)
