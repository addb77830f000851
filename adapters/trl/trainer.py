"""`CurriculumGRPOTrainer`: TRL's trainer, with the batch chosen at the moment it is generated.

A custom sampler would be late (the loader fetches ahead) and would break the groups. So the rows are bound late: when
TRL is about to generate, its rows are replaced by those the curriculum wants now. Once the update is done the same
rollouts are scored again by the updated policy, and the curriculum hears how much each problem improved.
"""

from __future__ import annotations

import inspect
import logging
import math
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from transformers import TrainerCallback, TrainerState
from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_utils import TrainOutput
from trl import GRPOTrainer

from curriculum_bandits import Curriculum, Draw, Feedback, ProblemBank, Rollouts
from curriculum_bandits.observer import Observer, Observers
from curriculum_bandits.tracking import RECORD_FILE, Record, StallMonitor, batch_metrics, drawn_by_group

from .checkpoints import (
    checkpoint_folder,
    checkpoint_step,
    last_complete_checkpoint,
    load_curriculum,
    refuse_half_saved,
    save_curriculum,
)
from .checks import check_bank_fills_batch, check_no_dropout, check_refills, check_reward_columns, rows_by_id
from .generation_batch import ROW, Drawn, GenerationBatch, Part, Scores, loss_mask, sum_log_ratio
from .group_filter import groups_kept, merged, refill_size
from .rewards import bank_reward, text_of, with_checks
from .shared_curriculum import SharedCurriculum

__all__ = ["CurriculumGRPOTrainer", "rows_of"]

logger = logging.getLogger(__name__)

_MOST_GROUPS_LOGGED = 64
_PARTS = ("ask", "rescore", "tell")


def rows_of(bank: ProblemBank) -> Dataset:
    """The rows of a bank as a data set."""
    return Dataset.from_list([bank.row(item) for item in range(len(bank))])


class CurriculumGRPOTrainer(GRPOTrainer):
    """A `trl.GRPOTrainer` that trains on what a curriculum chooses.

    Everything else is TRL's: configuration, losses, generation, logging, evaluation, checkpoints. Metrics of the
    curriculum appear in the logs under ``curriculum/``, and a record of the run is kept in ``curriculum.jsonl`` in its
    folder; the curriculum's state is saved with every checkpoint and comes back with ``resume_from_checkpoint``. The
    main process asks and tells, or every process where the curriculum's curator was made with ``collective=True``.
    Rollouts are scored again after the update only if the curriculum's signal reads how far the policy moved.

    Args:
        model: As in `trl.GRPOTrainer`.
        reward_funcs: As in `trl.GRPOTrainer`; by default the verifier of the curriculum's bank.
        args: A `trl.GRPOConfig`.
        train_dataset: By default the curriculum's bank. A data set of one's own must have an ``id`` column with the ids
            of the bank; its rows are then used.
        curriculum: Chooses the problems and learns from them.
        refills: DAPO's filter: problems whose rollouts all earn the same are replaced by new draws, at most this many
            times per generation batch; None trains on every draw. What is still missing then is filled up with such
            problems. The curriculum hears of every draw.
        observers: Called at every draw, answer, step and evaluation, in the main process; saved with the checkpoints.
        **trainer_arguments: All other arguments of `trl.GRPOTrainer`, whose list differs between its versions.

    Raises:
        ValueError: If the model has dropout, the bank is smaller than one generation batch, the ids of `train_dataset`
            are not those of the bank, a reward function needs a column that rows do not have, or `refills` cannot work.
    """

    def __init__(
        self,
        model: Any,
        reward_funcs: Any = None,
        args: Any = None,
        train_dataset: Any = None,
        *,
        curriculum: Curriculum,
        refills: int | None = None,
        observers: Sequence[Observer] = (),
        **trainer_arguments: Any,
    ) -> None:
        bank = curriculum.bank
        own_rows = None if train_dataset is None else rows_by_id(train_dataset, bank)
        if train_dataset is None:
            train_dataset = rows_of(bank)
        if reward_funcs is None:
            reward_funcs = bank_reward(bank)
        given = reward_funcs if isinstance(reward_funcs, list) else [reward_funcs]
        check_reward_columns(given, train_dataset.column_names)
        self.curriculum = curriculum
        self.refills = refills
        self._rows, self._row_of_item = train_dataset, own_rows
        self._queue: list[GenerationBatch] = []  # generated, not yet answered; the last is the one in use
        self._of_step: dict[str, float] = {}
        self._seconds: dict[str, float] = defaultdict(float)
        self._step_began = time.perf_counter()
        self._recorded_logps: torch.Tensor | None = None
        self._recording = False
        super().__init__(model, [with_checks(f) for f in given], args, train_dataset, **trainer_arguments)
        check_no_dropout(self.model)
        check_bank_fills_batch(bank, self.args.generation_batch_size // self.num_generations)
        check_refills(refills, self)
        self._shared = SharedCurriculum(curriculum, self.accelerator)
        self._record: Record | None = None
        self._observers = Observers()
        if self.accelerator.is_main_process:
            path = f"{self.args.output_dir}/{RECORD_FILE}"
            self._record = Record(path, curriculum, n_rollouts=self.num_generations)
            self._observers = Observers([*observers, StallMonitor(), self._record])
        self.add_callback(_CurriculumCallback(self))

    # --- the draw, at the moment of generation -------------------------------------------------------------------

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        if not self.model.training:
            return super()._generate_and_score_completions(inputs)
        batch = GenerationBatch(self.args.steps_per_generation * self.num_iterations)
        self._queue.append(batch)
        try:
            output = self._generate_draw(batch, len(inputs))
            if self.refills is not None:
                output = self._refilled(batch, output, len(inputs))
        except BaseException:
            self._give_up(self._queue.pop())
            raise
        if self.curriculum.needs_log_ratio and output.get("old_per_token_logps") is not None:
            batch.add(Part(dict(output), output["old_per_token_logps"]))
        return output

    def _generate_draw(self, batch: GenerationBatch, local_rows: int) -> dict[str, Any]:
        """Draw problems for so many rows of each process, and let TRL roll them out."""
        rows = local_rows * self.accelerator.num_processes
        with self._timed("ask"):
            draw, items = self._shared.ask(rows // self.num_generations)
        first_row = batch.rows
        first = self.accelerator.process_index * local_rows
        batch.draws.append(Drawn(draw, first_row, local_first=first))
        if draw is not None:
            self._observers.drawn(draw)
        chosen = np.repeat(items, self.num_generations)[first : first + local_rows]
        output: dict[str, Any] = super()._generate_and_score_completions([self._row(int(item)) for item in chosen])
        batch.draws[-1].lengths = self.accelerator.gather(loss_mask(output).sum(dim=1))
        device = output["completion_ids"].device
        output[ROW] = torch.arange(first_row + first, first_row + first + local_rows, device=device)
        return output

    def _refilled(self, batch: GenerationBatch, output: dict[str, Any], local_rows: int) -> dict[str, Any]:
        """Draw again for groups that cannot teach, and put together what is trained on."""
        assert self.refills is not None
        processes, generations = self.accelerator.num_processes, self.num_generations
        wanted = local_rows * processes // generations
        outputs = [output]
        for _ in range(self.refills):
            teaching = sum(int(drawn.generated.informative.sum()) for drawn in batch.draws)
            if teaching >= wanted:
                break
            size = refill_size(wanted - teaching, generations, processes)
            outputs.append(self._generate_draw(batch, size * generations // processes))
        if len(outputs) == 1:
            return output
        rows = [
            batch.draws[number].first + group * generations + k
            for number, group in groups_kept([drawn.generated.informative for drawn in batch.draws], wanted)
            for k in range(generations)
        ]
        return merged(outputs, rows, self.accelerator, self._padding_token)

    @property
    def _padding_token(self) -> int:
        tokenizer: Any = getattr(self.processing_class, "tokenizer", self.processing_class)
        return int(tokenizer.pad_token_id)

    def _give_up(self, batch: GenerationBatch) -> None:
        tickets = {drawn.draw.ticket for drawn in batch.draws if drawn.draw is not None}
        for draw in self.curriculum.outstanding:
            if draw.ticket in tickets:
                self.curriculum.discard(draw)

    def _row(self, item: int) -> dict[str, Any]:
        if self._row_of_item is None:
            return self.curriculum.bank.row(item)
        return dict(self._rows[int(self._row_of_item[item])])

    def _calculate_rewards(self, inputs: Any, prompts: Any, completions: Any, completion_ids_list: Any) -> torch.Tensor:
        rewards_per_func = super()._calculate_rewards(inputs, prompts, completions, completion_ids_list)
        if self.model.training:
            drawn = self._queue[-1].draws[-1]
            weighted = rewards_per_func.double() * self.reward_weights.to(rewards_per_func.device).double()
            missing = torch.isnan(rewards_per_func).all(dim=1)
            rewards = weighted.nansum(dim=1).masked_fill(missing, math.nan)
            drawn.generated = Rollouts(rewards.view(-1, self.num_generations).cpu().numpy())
            drawn.completions = [text_of(completion) for completion in completions]
        return rewards_per_func

    # --- log-probabilities before the update ---------------------------------------------------------------------

    def _compute_loss(self, model: Any, inputs: dict[str, Any]) -> torch.Tensor:
        if not self.model.training:
            return super()._compute_loss(model, inputs)
        batch, rows = self._queue[-1], set(inputs[ROW].tolist())
        self._recorded_logps, self._recording = None, self.curriculum.needs_log_ratio
        try:
            loss = super()._compute_loss(model, inputs)
        finally:
            self._recording = False
        if self.curriculum.needs_log_ratio and not rows <= batch.scored:
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
        """Log-probabilities of the completion tokens under the model as it is now, shape (rows, tokens).

        In micro-batches of the training's own size, so it needs no more memory than the update did.
        """
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
            if batch.finished or (all_batches and batch.trained):
                self._answer(batch)
            elif all_batches:
                self._give_up(batch)
            else:
                waiting.append(batch)
        self._queue = waiting

    def _answer(self, batch: GenerationBatch) -> None:
        scores = self._scored_again(batch) if self.curriculum.needs_log_ratio else None
        trained = self.accelerator.gather(torch.tensor(sorted(batch.trained), device=self.accelerator.device))
        with self._timed("tell"):
            self._shared.in_step(lambda: self._judge(batch, trained.cpu().numpy(), scores))

    def _scored_again(self, batch: GenerationBatch) -> Scores:
        with self._timed("rescore"):
            log_ratio = torch.cat([sum_log_ratio(self._score(part.inputs), part) for part in batch.parts])
            rows = torch.cat([part.inputs[ROW] for part in batch.parts])
            gathered = [self.accelerator.gather(values).cpu().numpy() for values in (rows, log_ratio)]
        return Scores(*gathered)

    def _judge(self, batch: GenerationBatch, trained: np.ndarray, scores: Scores | None) -> None:
        """Value every draw of a batch by the curriculum's own signal, and tell it."""
        draws = [drawn.draw for drawn in batch.draws if drawn.draw is not None]
        rollouts = [batch.rollouts(drawn, trained, scores) for drawn in batch.draws]
        feedbacks = [self.curriculum.signal(these) for these in rollouts]
        for draw, feedback in zip(draws, feedbacks, strict=True):
            self.curriculum.tell(draw, feedback)
        entropy = self.curriculum.entropy()
        for draw, these, feedback in zip(draws, rollouts, feedbacks, strict=True):
            self._observers.answered(draw, these, feedback)
        self._log_answer(draws, Rollouts.concatenate(rollouts), feedbacks, entropy)

    # --- what is logged and written down -------------------------------------------------------------------------

    def _log_answer(self, draws: list[Draw], rollouts: Rollouts, feedbacks: list[Feedback], entropy: float) -> None:
        items = np.concatenate([draw.items for draw in draws])
        drawn = drawn_by_group(self.curriculum.bank, items)
        feedback = Feedback(
            np.concatenate([feedback.values for feedback in feedbacks]),
            np.concatenate([feedback.counts for feedback in feedbacks]),
        )
        # What is by group has its group after a slash; what is not a number yet is left out.
        diagnostics = {
            name: value
            for name, value in self.curriculum.diagnostics().items()
            if math.isfinite(value) and ("/" not in name or len(drawn) <= _MOST_GROUPS_LOGGED)
        }
        assert rollouts.trained is not None
        metrics = {
            **diagnostics,
            **batch_metrics(rollouts, feedback),
            "entropy": entropy,
            "effective_problems": math.exp(entropy),
            "problems": float(len(items)),
            "trained_problems": float(rollouts.trained.any(axis=1).sum()),
        }
        if len(drawn) <= _MOST_GROUPS_LOGGED:
            metrics |= {f"drawn/{name}": share for name, share in drawn.items()}
        self._of_step.update(metrics)
        self._log_curriculum(metrics)

    def _log_curriculum(self, metrics: dict[str, float]) -> None:
        for name, value in metrics.items():
            self._metrics["train"][f"curriculum/{name}"].append(value)

    def _log_cost(self) -> None:
        """Seconds the curriculum took in this step, by part, and their share of the step."""
        step = time.perf_counter() - self._step_began
        spent = {f"seconds/{part}": self._seconds[part] for part in _PARTS}
        self._log_curriculum({**spent, "step_share": sum(spent.values()) / step})
        tokens = float(self.state.num_input_tokens_seen)
        metrics = {**self._of_step, "tokens": tokens, "seconds/step": step, **spent}
        known = set(metrics)
        self._observers.stepped(self.state.global_step, metrics)
        self._log_curriculum({name: value for name, value in metrics.items() if name not in known})
        self._of_step = {}

    @contextmanager
    def _timed(self, part: str) -> Iterator[None]:
        begin = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[part] += time.perf_counter() - begin

    def train(self, resume_from_checkpoint: Any = None, *arguments: Any, **options: Any) -> Any:
        """Train, as `trl.GRPOTrainer.train`.

        Draws left open by an earlier call that failed are given up first. ``resume_from_checkpoint=True`` takes the
        last checkpoint that was saved whole, and is an error where there is none. A checkpoint of the last step is
        loaded and not trained on, where transformers alone would make one step more.
        """
        for batch in self._queue:
            self._give_up(batch)
        self._queue = []
        if resume_from_checkpoint is True:
            resume_from_checkpoint = last_complete_checkpoint(self.args.output_dir)
            if resume_from_checkpoint is None:
                raise ValueError(f"{self.args.output_dir} holds no complete checkpoint to resume from; start it anew")
        try:
            return super().train(resume_from_checkpoint, *arguments, **options)
        except _Finished as finished:
            logger.warning("%s is the end of this run; for more give a larger max_steps", finished.checkpoint)
            self.is_in_train = False
            self.state = TrainerState.load_from_json(f"{finished.checkpoint}/{TRAINER_STATE_NAME}")
            return TrainOutput(self.state.global_step, math.nan, {})

    # --- checkpoints ---------------------------------------------------------------------------------------------

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        run = self._get_output_dir(trial=trial)
        folder = checkpoint_folder(run, self.state.global_step)
        try:
            if self.args.should_save:
                # First, so that no checkpoint of the model can exist without the curriculum's.
                state = {"curriculum": self.curriculum.state_dict(), "observers": self._observers.state_dict()}
                save_curriculum(folder, state)
            super()._save_checkpoint(model, trial)
        except Exception as error:
            raise refuse_half_saved(folder, run, error) from error

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        super()._load_optimizer_and_scheduler(checkpoint)
        if checkpoint is None:
            return
        finished = 0 < self.args.max_steps <= (checkpoint_step(checkpoint) or 0)
        if self._shared.here:
            state = load_curriculum(checkpoint)
            if self._record is not None and not finished:  # what was recorded after the last step stays
                self._observers.load_state_dict(state["observers"])
            self.curriculum.load_state_dict(state["curriculum"])
            # TRL does not save the rest of a half-used generation batch, so its draws can never be answered.
            for draw in self.curriculum.outstanding:
                logger.warning("draw %d was in use when the checkpoint was saved; it is given up", draw.ticket.serial)
                self.curriculum.discard(draw)
        if finished:  # model, optimizer and curriculum are those of the last step
            raise _Finished(checkpoint)


class _Finished(Exception):
    """Ends `train` before a step too many."""

    def __init__(self, checkpoint: str) -> None:
        super().__init__(checkpoint)
        self.checkpoint = checkpoint


class _CurriculumCallback(TrainerCallback):
    """Calls the trainer back when an update is done."""

    def __init__(self, trainer: CurriculumGRPOTrainer) -> None:
        self._trainer = trainer

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        trainer = self._trainer
        if trainer._record is not None and state.global_step == 0:
            trainer._record.begin()

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._trainer._step_began = time.perf_counter()
        self._trainer._seconds.clear()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._trainer.answer_finished_batches()
        self._trainer._log_cost()

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        measured = {
            name.removeprefix("eval_"): float(value)
            for name, value in (logs or {}).items()
            if name.startswith("eval_") and isinstance(value, int | float)
        }
        if measured:
            self._trainer._observers.evaluated(state.global_step, measured)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        unanswered = bool(self._trainer._queue)
        self._trainer.answer_finished_batches(all_batches=True)
        if unanswered:
            self._trainer._observers.stepped(state.global_step, {})
        self._trainer._observers.close()
