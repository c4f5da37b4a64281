"""The tour of torchvision against NumPy, and against what is known of its parts and of its weights."""

import numpy as np
import pytest
import torch
import torchvision

from dlstudy.core.base.dataset import Split
from dlstudy.experiments.torchvision_tour import properties
from dlstudy.experiments.torchvision_tour import run as tour
from dlstudy.experiments.torchvision_tour.params import TourParams
from tests.import_closure import PACKAGES, imported_names
from tests.pipeline import write_idx

PARAMS = TourParams(num_images=30, num_single_images=6, seed=1)


@pytest.fixture(scope="module")
def tables(images, tmp_path_factory):
    folder = tmp_path_factory.mktemp("raw")
    write_files(folder, images.test.features.numpy(), images.test.targets)
    return tour.run((images.test, folder), PARAMS, ())


def write_files(folder, images, classes):
    """The four files of a data set in MNIST's format; its class wants to see those of the training images too."""
    for part in ("train", "t10k"):
        write_idx(folder / f"{part}-images-idx3-ubyte", images)
        write_idx(folder / f"{part}-labels-idx1-ubyte", classes.numpy().astype(np.uint8))


def rows(tables, group):
    table = tables["properties"]
    return table[table["group"] == group].set_index(["property", "format"])


# --- Parts ---


def test_the_four_parts_that_the_note_names_are_there(tables):
    table = tables["parts"].set_index("part")
    assert {"datasets", "models", "transforms", "utils"} <= set(table.index)
    assert table.loc["utils", "num_functions"] == len(torchvision.utils.__all__)
    # every builder of a classifier is a function of models, and there are dozens of others
    assert table.loc["models", "num_functions"] > len(torchvision.models.list_models(module=torchvision.models))


def test_a_class_counts_once_in_the_part_that_defines_it():
    members = tour.part("transforms").members
    assert members.count(torchvision.transforms.v2.Resize) == 1
    assert torchvision.transforms.Resize in members  # the first version is another class
    assert torch.nn.Module not in members
    assert torchvision.tv_tensors.Image not in members
    assert torchvision.tv_tensors.Image in tour.part("tv_tensors").members


def test_all_four_parts_are_imported_by_the_studys_own_code():
    """The tour is not the only proof: what a stage imports can be read in its source."""
    files = [file for folder in PACKAGES.values() for file in folder.rglob("*.py")]
    names = {name for file in files for name in imported_names(file) if name.startswith("torchvision.")}
    assert {"datasets", "models", "transforms", "utils"} <= {name.split(".")[1] for name in names}


# --- Properties, held against NumPy ---


def test_every_pixel_of_every_move_is_where_it_has_to_be(tables):
    table = rows(tables, "moves")
    assert (table["num_equal"] == 30).all()
    assert (table["num_cases"] == 30).all()
    assert (table["deviation"] == 0).all()


def test_a_quarter_turn_is_that_of_numpy(images):
    found = properties.turned(images.test.features.unsqueeze(1), 90)
    np.testing.assert_array_equal(found[:, 0], np.rot90(images.test.features, axes=(1, 2)))


def test_eight_turns_by_45_degrees_lose_the_corners(images, tables):
    found = properties.turned(images.test.features.unsqueeze(1), 45, 8)
    assert (found[:, 0, 0, 0] == 0).all()
    assert (images.test.features[:, 0, 0] > 0).any()
    assert rows(tables, "undone").loc[("eight turns by 45 degrees", "uint8"), "num_equal"] < 30


def test_the_grey_of_what_is_grey_is_a_level_darker(images, tables):
    """Its weights are 0.2989, 0.587 and 0.114, which add up to 0.9999, and what is left is cut off."""
    row = rows(tables, "neutral").loc[("grey of three equal channels", "uint8")]
    pixels = images.test.features[:30].numpy().astype(float)
    darker = np.floor(pixels * 0.9999 + 1e-4) != pixels
    assert row["num_equal"] == (~darker.any(axis=(1, 2))).sum()
    assert row["deviation"] == 1


def test_whole_numbers_over_255_are_exact_in_the_first_version_and_off_by_a_bit_in_the_second(tables):
    table = rows(tables, "scaled").reset_index("format", drop=True)
    assert table.loc["ToTensor: pixel / 255", "num_equal"] == 30
    reciprocal = np.arange(256, dtype=np.float32) * np.float32(1 / 255)
    exact = np.arange(256, dtype=np.float32) / np.float32(255)
    assert (reciprocal != exact).any()
    assert 0 < table.loc["ToImage and ToDtype: pixel / 255", "deviation"] <= 255 * np.abs(reciprocal - exact).max()


def test_the_data_sets_reader_reads_the_same_images_and_classes(images, tables):
    table = rows(tables, "files")
    assert table["num_cases"].tolist() == [70, 70]  # all that the files hold
    assert table["num_equal"].tolist() == [70, 70]


def test_a_file_of_other_images_would_be_reported(images, tmp_path):
    others = images.test.features.numpy().copy()
    others[3, 5, 7] ^= 1
    write_files(tmp_path, others, images.test.targets)
    found = tour.file_rows(images.test, tmp_path)[0]
    assert (found["num_equal"], found["deviation"]) == (69, 1)


def test_a_grid_whose_images_are_in_another_order_would_be_reported(images):
    batch = images.test.features[:30].unsqueeze(1)
    cells = properties.cells_of_grid(batch)
    assert properties.compared((cells, batch.expand(-1, 3, -1, -1))) == (30, 30, 0)
    assert properties.compared((cells, batch.roll(1, 0).expand(-1, 3, -1, -1)))[1] < 30


def test_random_transforms_hang_on_the_seed_and_leave_the_global_state_alone(images):
    batch = images.test.features[:6].unsqueeze(1)
    before = torch.random.get_rng_state()
    for name, transform in properties.random_transforms().items():
        first, again, other = (properties.drawn(transform, batch, seed) for seed in (1, 1, 2))
        assert torch.equal(first, again), name
        assert not torch.equal(first, other), name
    assert torch.equal(torch.random.get_rng_state(), before)


def test_windows_are_all_slices_of_the_padded_image():
    image = torch.arange(1, 10).reshape(1, 1, 3, 3)
    found = properties.windows(image, 1)
    padded = np.pad(np.arange(1, 10).reshape(3, 3), 1)
    expected = [padded[top : top + 3, left : left + 3] for top in range(3) for left in range(3)]
    np.testing.assert_array_equal(found[0, :, 0], expected)


def test_deviations_are_in_grey_levels_whatever_the_format():
    assert properties.compared((torch.tensor([[3], [5]]), torch.tensor([[3], [7]]))) == (2, 1, 2)
    assert properties.compared((torch.tensor([[0.0]]), torch.tensor([[1.0]]))) == (1, 0, 255)


def test_sides_of_other_shapes_are_an_error():
    with pytest.raises(ValueError, match=r"expected shape \(2, 2\), found \(2, 1\)"):
        properties.compared((torch.zeros(2, 1), torch.zeros(2, 2)))


def test_chunks_change_nothing(images, monkeypatch):
    tables = []
    for chunk in (7, 500):
        monkeypatch.setattr(properties, "CHUNK", chunk)
        moved = [*properties.moves(), *properties.undone()]
        tables.append(properties.property_table(images.test.features, 5, moved))
    assert tables[0].equals(tables[1])


# --- Weights ---


def test_weights_are_those_that_torchvision_names_with_their_hashes(tables):
    table = tables["weights"].set_index("weights")
    assert table.loc["AlexNet_Weights.IMAGENET1K_V1", "file"] == "alexnet-owt-7be5be79.pth"
    assert table.loc["ResNet18_Weights.IMAGENET1K_V1", "hash"] == "sha256:f37072fd"
    assert table.loc["VGG16_Weights.IMAGENET1K_V1", "acc_at_1"] == 71.592
    assert set(table["builder"]) == {"alexnet", "vgg16", "resnet18"}


def test_loaded_weights_give_the_outputs_of_those_that_were_saved(tables):
    (row,) = rows(tables, "weights").to_dict("records")
    assert (row["num_cases"], row["num_equal"]) == (6, 6)


def test_facts_tell_of_the_images_that_there_are(images, tmp_path):
    few = Split(images.test.features[:8], images.test.targets[:8])
    write_files(tmp_path, few.features.numpy(), few.targets)
    more = PARAMS.model_copy(update={"num_images": 10**6, "num_single_images": 10**5})
    found = tour.run((few, tmp_path), more, ())["facts"]
    assert (found["num_images"], found["num_single_images"]) == (8, 8)


def test_the_version_is_that_of_all_builds(tables):
    assert tables["facts"]["version"] == torchvision.__version__.split("+")[0]
