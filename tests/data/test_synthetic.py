import math

import pytest
import torch

from dlstudy.data.params import SyntheticParams
from dlstudy.data.synthetic import facts, prepare

PARAMS = SyntheticParams(
    train_size=2000, validation_size=30, test_size=40, weights=(2.0, -3.4), bias=4.2, noise_std=0.5, seed=3
)


def changed(**values) -> SyntheticParams:
    return PARAMS.model_copy(update=values)


def test_without_noise_targets_lie_on_the_line():
    for split in prepare(changed(noise_std=0.0)).splits.values():
        x1, x2 = split.features.T
        torch.testing.assert_close(split.targets, 2.0 * x1 - 3.4 * x2 + 4.2)


def test_noise_is_normal_with_the_asked_deviation():
    train = prepare(PARAMS).train
    x1, x2 = train.features.T
    noise = train.targets - (2.0 * x1 - 3.4 * x2 + 4.2)
    # Standard errors of mean and deviation of 2,000 draws: .5 / sqrt(2000) and .5 / sqrt(4000); four of each.
    assert abs(noise.mean()) < 4 * 0.5 / math.sqrt(2000)
    assert abs(noise.std() - 0.5) < 4 * 0.5 / math.sqrt(4000)


def test_features_are_standard_normal():
    features = prepare(PARAMS).train.features
    assert features.mean(0).abs().max() < 4 / math.sqrt(2000)  # four standard errors, as above
    assert (features.std(0) - 1).abs().max() < 4 / math.sqrt(4000)


def test_splits_share_no_example_and_have_the_asked_sizes():
    dataset = prepare(PARAMS)
    assert dataset.num_examples == {"train": 2000, "validation": 30, "test": 40}
    rows = torch.cat([split.features for split in dataset.splits.values()])
    assert len(rows.unique(dim=0)) == 2070


def test_a_seed_repeats_and_another_differs():
    first, again, other = prepare(PARAMS), prepare(PARAMS), prepare(changed(seed=4))
    for name, split in first.splits.items():
        assert torch.equal(split.features, again.splits[name].features)
        assert torch.equal(split.targets, again.splits[name].targets)
        assert not torch.equal(split.features, other.splits[name].features)


@pytest.mark.parametrize("size", [1, 500])
def test_the_size_of_one_split_changes_no_other(size):
    ours, resized = prepare(PARAMS), prepare(changed(validation_size=size, test_size=size))
    assert torch.equal(ours.train.targets, resized.train.targets)
    for name in ("mean", "std"):
        assert torch.equal(getattr(ours.feature_scale, name), getattr(resized.feature_scale, name))
        assert torch.equal(getattr(ours.target_scale, name), getattr(resized.target_scale, name))


def test_the_scale_is_that_of_the_training_split():
    dataset = prepare(PARAMS)
    standardised = dataset.standardised(dataset.train)
    for values in (standardised.features, standardised.targets.unsqueeze(1)):
        assert values.mean(0).abs().max() < 1e-12  # float64, after a sum of 2,000
        assert (values.std(0, correction=0) - 1).abs().max() < 1e-12


def test_features_are_named_as_many_as_there_are_weights():
    dataset = prepare(changed(weights=(1.0, 2.0, 3.0)))
    assert dataset.feature_names == ("x1", "x2", "x3")
    assert (dataset.num_features, dataset.target_name, dataset.task) == (3, "y", "regression")


def test_facts_are_the_sizes():
    assert facts(prepare(PARAMS)) == {"num_examples": {"train": 2000, "validation": 30, "test": 40}}
