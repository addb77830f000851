"""verl's own loader and functions with the sampler in them; left out where verl is not installed."""

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("verl")

import torch
from omegaconf import OmegaConf
from torchdata.stateful_dataloader import StatefulDataLoader
from verl import DataProto
from verl.experimental.dataset.sampler import AbstractCurriculumSampler
from verl.utils import import_utils

from curriculum_bandits.adapters.verl import CurriculumSampler

CONFIG = """
train_batch_size: 4
prompt_key: prompt
shuffle: true
dataloader_num_workers: 0
sampler:
  class_path: pkg://curriculum_bandits.adapters.verl.sampler
  class_name: CurriculumSampler
  method: osmd
  signal: absolute_advantage
  seed: 7
"""


class Rows(torch.utils.data.Dataset):
    def __init__(self, rows: SimpleNamespace) -> None:
        self.dataframe = rows.dataframe

    def __len__(self):
        return len(self.dataframe["prompt"])

    def __getitem__(self, item):
        return item


def loader_of(rows):
    dataset = Rows(rows)
    config = OmegaConf.create(CONFIG)
    load = getattr(import_utils, "load_extern_object", None) or import_utils.load_extern_type  # the latter up to 0.6
    # As verl.trainer.main_ppo.create_rl_sampler does, which cannot be imported without an inference engine.
    sampler = load(config.sampler.class_path, config.sampler.class_name)(data_source=dataset, data_config=config)
    assert isinstance(sampler, AbstractCurriculumSampler)
    return StatefulDataLoader(dataset, batch_size=4, num_workers=0, drop_last=True, sampler=sampler)


def step(loader, batch, make_batch):
    items = [int(item) for item in batch]
    proto = make_batch(items, {item: [float(item % 2), 1.0, 0.0] for item in range(12)}, seed=sum(items))
    assert isinstance(proto, DataProto)
    proto.reorder(torch.from_numpy(np.random.default_rng(1).permutation(len(proto))))
    loader.sampler.update(batch=proto)
    return items


def test_verl_loads_the_sampler_from_its_configuration_and_it_learns(rows, make_batch):
    loader = loader_of(rows)
    assert isinstance(loader.sampler, CurriculumSampler)
    before = loader.sampler.curriculum.bandit.probabilities()
    for _ in range(2):
        assert len([step(loader, batch, make_batch) for batch in loader]) == len(loader) == 3
    assert loader.sampler.curriculum.outstanding == ()
    assert not np.array_equal(before, loader.sampler.curriculum.bandit.probabilities())


@pytest.mark.parametrize("done", [1, 3])
def test_the_state_of_verls_loader_carries_the_curriculum(rows, make_batch, done):
    """Saved after an answer, so nothing is open; at the end of an epoch the next one follows."""
    loader, other = loader_of(rows), loader_of(rows)
    iterator = iter(loader)
    for _ in range(done):
        step(loader, next(iterator), make_batch)
    other.load_state_dict(loader.state_dict())
    rest = [step(other, batch, make_batch) for batch in other]
    expected = [step(loader, batch, make_batch) for batch in iterator]
    if done == 3:
        expected = [step(loader, batch, make_batch) for batch in loader]
    assert rest == expected
    assert len(rest) == (2 if done == 1 else 3)
