from dataclasses import replace

import joblib
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import StandardScaler

from dlstudy.core.base.dataset import Dataset, Scale, Split, load_dataset, save_dataset


def same(found: Dataset, expected: Dataset) -> bool:
    """Whether two data sets agree in every value and type."""
    pairs = [
        (getattr(mine, name), getattr(theirs, name))
        for mine, theirs in zip(found.splits.values(), expected.splits.values(), strict=True)
        for name in ("features", "targets")
    ]
    scales = [(found.feature_scale, expected.feature_scale), (found.target_scale, expected.target_scale)]
    pairs += [
        (getattr(mine, name), getattr(theirs, name)) for mine, theirs in scales if theirs for name in ("mean", "std")
    ]
    names = ("task", "feature_names", "target_name", "class_names")
    return (
        all(mine.dtype == theirs.dtype and torch.equal(mine, theirs) for mine, theirs in pairs)
        and all(getattr(found, name) == getattr(expected, name) for name in names)
        and (found.target_scale is None) == (expected.target_scale is None)
    )


# --- Scales ---


def test_the_scale_of_a_table_is_scikit_learns_column_by_column(houses):
    scale, expected = Scale.of(houses.train.features), StandardScaler().fit(houses.train.features.numpy())
    np.testing.assert_allclose(scale.mean, expected.mean_, rtol=1e-12)  # float64, summed in another order
    np.testing.assert_allclose(scale.std, expected.scale_, rtol=1e-12)


def test_the_scale_of_pixels_is_numpys_over_all_of_them(images):
    scale, pixels = Scale.of_pixels(images.train.features), images.train.features.numpy().astype(float)
    assert scale.mean.item() == pytest.approx(pixels.mean(), rel=1e-12)
    assert scale.std.item() == pytest.approx(pixels.std(), rel=1e-12)


def test_the_scale_of_pixels_does_not_depend_on_the_order_of_the_images(images):
    pixels = images.train.features
    assert vars(Scale.of_pixels(pixels)) == vars(Scale.of_pixels(pixels.flip(0)))  # to the last bit


# --- Standardisation ---


@pytest.mark.parametrize(("data", "dtype"), [("images", torch.float32), ("houses", torch.float64)])
def test_standardised_training_features_have_mean_0_and_variance_1(request, data, dtype):
    dataset = request.getfixturevalue(data)
    features = dataset.standardised(dataset.train).features
    assert features.dtype == dataset.dtype == dtype
    assert features.shape == (len(dataset.train), dataset.num_features)
    dims = 0 if data == "houses" else (0, 1)  # a table column by column, pixels all together
    tolerance = 1e-5 if dtype == torch.float32 else 1e-12  # some hundred units in the last place, after a sum
    assert features.mean(dims).abs().max() < tolerance
    assert (features.std(dims, correction=0) - 1).abs().max() < tolerance


def test_other_splits_are_standardised_by_the_training_split(houses):
    found = houses.standardised(houses.test)
    scaler = StandardScaler().fit(houses.train.features.numpy())
    np.testing.assert_allclose(found.features, scaler.transform(houses.test.features.numpy()), rtol=1e-9, atol=1e-12)
    of_prices = StandardScaler().fit(houses.train.targets.unsqueeze(1).numpy())
    expected = of_prices.transform(houses.test.targets.unsqueeze(1).numpy())[:, 0]
    np.testing.assert_allclose(found.targets, expected, rtol=1e-9, atol=1e-12)


def test_classes_stay_what_they_are(images):
    assert images.standardised(images.test).targets is images.test.targets


@pytest.mark.parametrize("data", ["images", "houses", "known_line"])
def test_standardising_leaves_the_raw_split_alone(request, data):
    dataset = request.getfixturevalue(data)
    features, targets = dataset.train.features.clone(), dataset.train.targets.clone()
    dataset.standardised(dataset.train).features.zero_()
    assert torch.equal(dataset.train.features, features)
    assert torch.equal(dataset.train.targets, targets)


# --- Sizes ---


def test_a_data_set_knows_its_sizes(images, houses):
    assert images.num_examples == {"train": 200, "validation": 60, "test": 70}
    assert (images.num_features, images.num_outputs) == (784, 10)
    assert houses.num_examples == {"train": 1758, "validation": 586, "test": 586}
    assert (houses.num_features, houses.num_outputs) == (2, 1)


# --- Another division ---


@pytest.mark.parametrize("data", ["images", "houses"])
def test_redivided_examples_are_the_same_examples_in_splits_of_the_same_sizes(request, data):
    dataset = request.getfixturevalue(data)
    again = dataset.redivided(torch.Generator().manual_seed(3))
    assert again.num_examples == dataset.num_examples
    assert again.test is dataset.test

    def pool(one):
        both = torch.cat([one.train.features, one.validation.features]).flatten(1).double()
        targets = torch.cat([one.train.targets, one.validation.targets]).unsqueeze(1)
        return sorted(torch.cat([both, targets], 1).tolist())

    assert pool(again) == pool(dataset)
    assert not torch.equal(again.train.targets, dataset.train.targets)


@pytest.mark.parametrize("data", ["images", "houses"])
def test_redivided_examples_are_standardised_by_their_own_training_split(request, data):
    again = request.getfixturevalue(data).redivided(torch.Generator().manual_seed(3))
    train = again.standardised(again.train)
    assert train.features.double().mean().item() == pytest.approx(0, abs=1e-6)
    assert train.features.double().std(correction=0).item() == pytest.approx(1, abs=1e-6)


# --- Files and processes ---


@pytest.mark.parametrize("data", ["images", "houses"])
def test_a_saved_data_set_comes_back(request, tmp_path, data):
    dataset = request.getfixturevalue(data)
    save_dataset(tmp_path / "data.pt", dataset)
    assert same(load_dataset(tmp_path / "data.pt"), dataset)


def test_a_data_set_keeps_the_images_that_its_features_were_computed_from(images, tmp_path):
    features = Split(torch.rand(70, 5), images.test.targets)
    dataset = replace(images, test=features, images=images.test.features)
    save_dataset(tmp_path / "data.pt", dataset)
    assert torch.equal(load_dataset(tmp_path / "data.pt").test_images, images.test.features)
    assert images.test_images is images.test.features


@pytest.mark.parametrize("data", ["images", "houses"])
def test_a_data_set_has_one_file(request, tmp_path, data):
    save_dataset(tmp_path / "one.pt", request.getfixturevalue(data))
    save_dataset(tmp_path / "two.pt", load_dataset(tmp_path / "one.pt"))
    assert (tmp_path / "one.pt").read_bytes() == (tmp_path / "two.pt").read_bytes()


@pytest.mark.parametrize("mmap_mode", [None, "c"])
@given(num_examples=st.integers(1, 50), pixels=st.booleans())
def test_a_split_travels_to_another_process_with_its_values(tmp_path_factory, mmap_mode, num_examples, pixels):
    numbers = torch.arange(num_examples * 6, dtype=torch.uint8 if pixels else torch.float64)
    split = Split(numbers.reshape(num_examples, 2, 3), torch.arange(num_examples))
    path = tmp_path_factory.mktemp("travel") / "split.joblib"
    joblib.dump(split, path)
    found = joblib.load(path, mmap_mode=mmap_mode)
    assert len(found) == num_examples
    assert found.features.dtype == split.features.dtype
    assert torch.equal(found.features, split.features)
    assert torch.equal(found.targets, split.targets)
