"""Batches as verl's trainer hands them over: real `DataProto` where verl is installed, a stand-in elsewhere."""

import uuid
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")


class Config(dict):
    """Reads like the part of verl's configuration that the sampler sees."""

    __getattr__ = dict.__getitem__


class Table(dict):
    """Columns by name, as a data set from a file has them."""

    @property
    def column_names(self):
        return list(self)


@pytest.fixture
def rows():
    """Twelve problems of two sources whose indices overlap, as files concatenated by verl have them."""
    sources = ["sums"] * 8 + ["words"] * 4
    indices = [*range(8), *range(4)]
    return SimpleNamespace(
        dataframe=Table(
            prompt=[[{"role": "user", "content": f"{s} {i}"}] for s, i in zip(sources, indices, strict=True)],
            data_source=sources,
            extra_info=[{"index": i, "split": "train"} for i in indices],
        )
    )


@pytest.fixture
def config():
    def build(*, batch_size=4, **sampler):
        return Config(train_batch_size=batch_size, prompt_key="prompt", sampler=Config(sampler))

    return build


def proto(tensors, others):
    """A real DataProto if there is one."""
    try:
        from verl import DataProto
    except ModuleNotFoundError:
        return SimpleNamespace(batch=tensors, non_tensor_batch=others)
    return DataProto.from_dict(tensors=tensors, non_tensors=others)


@pytest.fixture
def make_batch(rows):
    """Roll out row numbers: rewards by row number, one list per drawn row, then shuffled as verl balances batches."""

    def build(items, rewards, *, seed=0, keep=None):
        table, score, others = rows.dataframe, [], {"uid": [], "data_source": [], "extra_info": []}
        for item in items:
            fresh = str(uuid.uuid4())
            for reward in rewards[item]:
                score.append(reward)
                others["uid"].append(fresh)
                others["data_source"].append(table["data_source"][item])
                others["extra_info"].append(table["extra_info"][item])
        order = np.random.default_rng(seed).permutation(len(score))[:keep]
        scores = torch.zeros(len(order), 5)
        mask = torch.zeros(len(order), 5, dtype=torch.int64)
        mask[:, :3] = 1
        scores[:, 2] = torch.tensor([score[i] for i in order])  # at the last token, as verl puts it
        shuffled = {name: np.array([values[i] for i in order], dtype=object) for name, values in others.items()}
        return proto({"token_level_scores": scores, "response_mask": mask}, shuffled)

    return build
