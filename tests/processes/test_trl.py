"""TRL in real processes: one decision per generation batch, the same on all, every row credited where it belongs."""

import os
import signal
from collections import Counter
from itertools import chain

import numpy as np
import pytest

pytest.importorskip("trl")


from curriculum_bandits import methods
from curriculum_bandits.adapters.trl import last_complete_checkpoint
from tests.adapters.trl.conftest import GENERATIONS, Witness, build_trainer, make_bank, short_digits
from tests.adapters.trl.test_curator import a_curriculum, weights_of
from tests.adapters.trl.test_interruption import SAVE_EVERY, assert_same, make_run, uninterrupted
from tests.processes.launcher import launch

STEPS = 3

# Groups of rollouts over several processes


def a_run(folder, batch, generations, refills=None, fails=False):
    """A few steps; what this process saw."""
    curriculum = methods.osmd(make_bank(), seed=1)
    witness = Witness(curriculum)
    seen, losses, turn = [], [], Counter()

    def reward(prompts, completions, id, **columns):
        rewards = short_digits(completions)
        if refills is not None:  # half of the problems earn nothing, whoever answers
            rewards = [r * (int(i.split("-")[1]) % 2) for r, i in zip(rewards, id, strict=True)]
        seen.append({"prompts": list(prompts), "rewards": rewards})
        return rewards

    def failing_tell(draw, feedback):
        turn["told"] += 1
        if turn["told"] == 2:
            raise ValueError("a utility nobody can use")

    if fails:
        curriculum.tell = failing_tell
    trainer = build_trainer(
        folder / "run",
        curriculum=curriculum,
        reward_funcs=reward,
        refills=refills,
        num_generations=generations,
        per_device_train_batch_size=batch,
        max_steps=STEPS,
    )
    compute_loss = trainer._compute_loss

    def watched(model, inputs):
        losses.append({"rows": inputs["curriculum_row"].tolist()})
        losses[-1]["tokens"] = float(inputs["num_items_in_batch"])
        losses[-1]["own_tokens"] = float(inputs["completion_mask"].sum())
        return compute_loss(model, inputs)

    trainer._compute_loss = watched
    error = None
    try:
        trainer.train()
    except Exception as raised:
        if not fails:
            raise
        error = f"{type(raised).__name__}: {raised}"
    return {
        "seen": seen,
        "losses": losses,
        "error": error,
        "drawn": [draw.items.tolist() for draw in witness.draws],
        "rewards": [rollouts.rewards.tolist() for rollouts in witness.rollouts],
        "log_ratio": [rollouts.log_ratio.tolist() for rollouts in witness.rollouts],
        "trained": [rollouts.trained.tolist() for rollouts in witness.rollouts],
        "open": len(curriculum.outstanding),
        "weights": float(sum(p.double().abs().sum() for p in trainer.model.parameters())),
    }


@pytest.mark.parametrize(
    ("processes", "batch", "generations"),
    [
        pytest.param(2, 8, 4, id="whole groups"),
        pytest.param(2, 6, 4, id="a group straddles two ranks"),
        pytest.param(3, 4, 6, id="groups straddle three ranks"),
    ],
)
def test_processes_share_one_draw_and_one_answer(tmp_path, processes, batch, generations):
    main, *others = ranks = launch(a_run, tmp_path, batch, generations, processes=processes)
    assert len(main["drawn"]) == STEPS
    assert all(other["drawn"] == [] for other in others)
    assert main["open"] == 0
    prompts = make_bank().prompts
    for step, (drawn, rewards) in enumerate(zip(main["drawn"], main["rewards"], strict=True)):
        assert len(set(drawn)) == processes * batch // generations
        seen = [rank["seen"][step] for rank in ranks]
        assert list(chain.from_iterable(s["prompts"] for s in seen)) == [
            prompts[item] for item in np.repeat(drawn, generations)
        ]
        np.testing.assert_allclose(np.ravel(rewards), list(chain.from_iterable(s["rewards"] for s in seen)), rtol=1e-6)
    assert np.all(np.abs(main["log_ratio"]).max(axis=(1, 2)) > 0)
    assert all(main["weights"] == other["weights"] for other in others)


@pytest.mark.parametrize(("processes", "batch", "generations"), [(2, 6, 4), (3, 4, 6)])
def test_processes_share_what_the_filter_keeps(tmp_path, processes, batch, generations):
    ranks = launch(a_run, tmp_path, batch, generations, 20, processes=processes)
    main = ranks[0]
    assert len(main["drawn"]) > STEPS
    assert main["open"] == 0
    trained = np.concatenate([np.all(t, axis=1) for t in main["trained"]])
    can_teach = np.concatenate([np.std(rewards, axis=1) > 0 for rewards in main["rewards"]])
    assert can_teach.sum() >= STEPS * processes * batch // generations > 0
    assert not np.any(trained & ~can_teach)
    assert trained.sum() == STEPS * processes * batch // generations
    for step in range(STEPS):
        parts = [rank["losses"][step] for rank in ranks]
        rows = list(chain.from_iterable(part["rows"] for part in parts))
        assert all(len(part["rows"]) == batch for part in parts)
        assert len(set(rows)) == len(rows)
        assert len({row // generations for row in rows}) == processes * batch // generations
        assert {part["tokens"] for part in parts} == {sum(part["own_tokens"] for part in parts)}
    moved = np.abs(np.concatenate([np.ravel(r) for r in main["log_ratio"]]))
    assert np.all((moved > 0) <= np.repeat(trained, generations))
    assert len({rank["weights"] for rank in ranks}) == 1


def test_a_curriculum_that_fails_in_the_main_process_ends_all_of_them(tmp_path):
    main, other = launch(a_run, tmp_path, 8, 4, None, True, processes=2)
    assert main["error"] == "ValueError: a utility nobody can use"
    assert other["error"] == (
        "RuntimeError: the curriculum failed in the main process (ValueError: a utility nobody can use)"
    )


# One neural curator in two processes


def a_run_with_the_curator(folder):
    """A run and, from the middle of it, a resumed one."""
    return {"whole": train_here(folder, resume=False), "resumed": train_here(folder, resume=True)}


def train_here(folder, resume):
    curriculum = a_curriculum(seed=int(os.environ["RANK"]) + 3 * resume, together=True)
    start, witness, seen = weights_of(curriculum), Witness(curriculum), []

    def reward(prompts, completions, **columns):
        seen.append(list(prompts))
        return short_digits(completions)

    trainer = build_trainer(
        folder / "run", curriculum=curriculum, reward_funcs=reward, save_strategy="steps", save_steps=2
    )
    trainer.train(resume_from_checkpoint=str(folder / "run" / "checkpoint-2") if resume else None)
    return {
        "start": start,
        "weights": weights_of(curriculum),
        "drawn": [draw.items.tolist() for draw in witness.draws],
        "told": [feedback.values.tolist() for _, feedback in witness.feedbacks],
        "seen": seen,
        "open": len(curriculum.outstanding),
    }


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    return launch(a_run_with_the_curator, tmp_path_factory.mktemp("ranks"), processes=2)


def test_a_curator_that_is_together_is_asked_and_told_in_every_process(ranks):
    main, other = (rank["whole"] for rank in ranks)
    assert len(main["drawn"]) == 4
    assert other["drawn"] == main["drawn"]
    assert other["told"] == main["told"]
    assert other["weights"] == main["weights"]
    assert main["weights"] != main["start"] != other["start"]
    assert other["start"] != main["start"]  # they were made with different seeds
    assert main["open"] == other["open"] == 0
    prompts = make_bank().prompts
    for drawn, here, there in zip(main["drawn"], main["seen"], other["seen"], strict=True):
        assert here + there == [prompts[item] for item in np.repeat(drawn, GENERATIONS)]


def test_it_resumes_in_every_process_where_it_was(ranks):
    for rank in ranks:
        assert rank["resumed"]["weights"] == ranks[0]["whole"]["weights"]
        assert rank["resumed"]["drawn"] == ranks[0]["whole"]["drawn"][2:]
        assert rank["resumed"]["told"] == ranks[0]["whole"]["told"][2:]
        assert rank["resumed"]["open"] == 0


# A run that kills itself, as an out-of-memory killer would, with no chance to clean up


def a_run_killed_while_it_saves(folder):
    trainer = make_run(folder, refills=2, late=1)
    save = trainer._save_optimizer_and_scheduler

    def dying(output_dir):
        if trainer.state.global_step == 2 * SAVE_EVERY:
            os.kill(os.getpid(), signal.SIGKILL)
        save(output_dir)

    trainer._save_optimizer_and_scheduler = dying
    trainer.train()


def test_killed_while_it_saves_and_resumed_equals_uninterrupted(tmp_path, caplog):
    folder = tmp_path / "killed"
    folder.mkdir()
    launch(a_run_killed_while_it_saves, folder, ends=-signal.SIGKILL)
    assert {path.name for path in folder.glob("checkpoint-*")} == {"checkpoint-3", "checkpoint-6"}
    assert last_complete_checkpoint(folder) == str(folder / "checkpoint-3")
    trainer = make_run(folder, refills=2, late=1)
    trainer.train(resume_from_checkpoint=True)
    assert "was not saved to the end" in caplog.text
    assert_same(trainer, uninterrupted(tmp_path / "whole"))
