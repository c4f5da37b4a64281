"""Galleries: the right images in the right places, and files that stay small and the same."""

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.figure import Figure

from dlstudy.core.base.dataset import Split
from dlstudy.figures import galleries
from dlstudy.figures.style import pixels_of, png_bytes, style
from tests.figures.rules import faults


def shown_in(figure: Figure, number: int = 0) -> np.ndarray:
    """The picture of one of a figure's axes, as it was handed to Matplotlib: (rows, columns, 3)."""
    return np.asarray(figure.axes[number].get_images()[0].get_array())


def cell(picture: np.ndarray, row: int, column: int, side: int = 28) -> np.ndarray:
    top, left = (galleries.PADDING + place * (side + galleries.PADDING) for place in (row, column))
    return picture[top : top + side, left : left + side]


def test_the_data_sets_gallery_has_a_row_a_class_with_its_first_images(images):
    figure = galleries.data_set(images.train, images.class_names)
    picture = shown_in(figure)
    for row, column in ((0, 0), (3, 1), (9, 9)):
        expected = images.train.features[images.train.targets == row][column]
        np.testing.assert_array_equal(cell(picture, row, column)[..., 0], expected)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == list(images.class_names)


def test_every_transform_has_its_row_and_every_image_its_column(images):
    batch = galleries.examples_of(images.train, (0, 4))
    figure = galleries.transformed(batch)
    panels = [[label.get_text() for label in axes.get_yticklabels()] for axes in figure.axes]
    assert [name for panel in panels for name in panel] == list(galleries.transforms())
    image = batch[1, 0].numpy()
    expected = {"original": image, "rotate 90°": np.rot90(image), "vertical_flip": image[::-1]}
    expected |= {"horizontal_flip": image[:, ::-1], "invert": 255 - image}
    for name, wanted in expected.items():
        (number,) = (number for number, names in enumerate(panels) if name in names)
        found = cell(shown_in(figure, number), panels[number].index(name), 1)[..., 0]
        np.testing.assert_array_equal(found, wanted, err_msg=name)


def test_transforms_that_are_random_look_the_same_every_time_and_leave_the_global_state_alone(images):
    batch, before = galleries.examples_of(images.train, (0, 4)), torch.random.get_rng_state()
    first, again = (shown_in(galleries.transformed(batch)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert torch.equal(torch.random.get_rng_state(), before)


def mistakes(images, num):
    pixels = [image.numpy().tobytes().hex() for image in images.test.features[:num]]
    return pd.DataFrame({"class": ["a"] * num, "predicted": ["b"] * num, "pixels": pixels})


def test_mistakes_are_the_pixels_of_the_table_a_row_a_model(images):
    tables = {"first": mistakes(images, 12), "second": mistakes(images, 3), "none": mistakes(images, 0)}
    figure = galleries.mistakes(tables)
    for number, place in ((0, 5), (1, 2)):
        found = cell(shown_in(figure, number), 0, place)[..., 0]
        np.testing.assert_array_equal(found, pixels_of(tables["first"]["pixels"][place]))
    assert [axes.get_ylabel() for axes in figure.axes] == ["first", "second", "none"]
    assert len(figure.axes[2].get_images()) == 0


def test_a_weight_is_red_above_zero_blue_below_and_white_between():
    colours = galleries.in_two_colours(torch.tensor([[[[2.0, -2.0], [0.0, 9.0]]]]), torch.tensor(2.0))
    red, _, blue = colours[0]
    assert red[0, 0] > blue[0, 0]
    assert red[0, 1] < blue[0, 1]
    assert (colours[0, :, 1, 0] > 0.95).all()
    assert torch.equal(colours[0, :, 1, 1], colours[0, :, 0, 0])  # beyond the range: the last colour


def test_templates_are_the_weights_of_each_class_as_images():
    weights = torch.zeros(2, 10, 784)
    weights[0, 3, 28 * 5 + 7] = 1.0  # of the first seed alone
    runs = {seed: {"0.weight": weights[seed], "0.bias": torch.zeros(10)} for seed in range(2)}
    picture = shown_in(galleries.templates(runs, tuple("abcdefghij")))
    red = picture[..., 0] - picture[..., 2] > 0.2
    assert np.argwhere(cell(red, 0, 3)).tolist() == [[5, 7]]
    assert (cell(picture, 0, 4) > 0.95).all()


def test_filters_are_red_above_zero_and_blue_below_on_average_over_their_channels():
    weights = np.zeros((64, 3, 7, 7), np.float32)
    weights[17, :, 2, 5] = 1.0
    weights[18, :, 0, 0] = -1.0
    weights[19, :, 1, 1] = (1.0, -0.5, -0.5)  # cancels
    figure = galleries.filters({"resnet18": weights, "alexnet": np.ones((64, 3, 11, 11), np.float32)})
    assert [axes.get_ylabel() for axes in figure.axes] == ["resnet18\n7 × 7", "alexnet\n11 × 11"]
    difference = shown_in(figure)[..., 0] - shown_in(figure)[..., 2]
    assert np.argwhere(abs(cell(difference, 1, 1, 7)) > 0.2).tolist() == [[2, 5]]
    assert cell(difference, 1, 1, 7)[2, 5] > 0
    assert cell(difference, 1, 2, 7)[0, 0] < 0
    white = cell(shown_in(figure), 1, 3, 7)  # cancels; so are nearly all weights here, which no range must spoil
    assert (white > 0.95).all()


def test_galleries_keep_to_the_rules_of_figures(images):
    runs = {0: {"0.weight": torch.eye(10, 784), "0.bias": torch.zeros(10)}}
    with style():
        drawn = {
            "data_set": galleries.data_set(images.train, images.class_names),
            "transforms": galleries.transformed(galleries.examples_of(images.train, galleries.shown_classes(10))),
            "mistakes": galleries.mistakes({"mlp_relu": mistakes(images, 12)}),
            "templates": galleries.templates(runs, images.class_names),
            "filters": galleries.filters({"alexnet": np.eye(121, dtype=np.float32)[:64].reshape(64, 1, 11, 11)}),
        }
        for each in drawn.values():
            each.draw_without_rendering()
        assert {name: found for name, each in drawn.items() if (found := faults(each))} == {}


def test_a_gallery_has_the_same_bytes_again(images):
    def drawn():
        with style():
            return png_bytes(galleries.data_set(images.train, images.class_names))

    assert drawn() == drawn()


def test_a_class_with_fewer_images_than_others_has_white_ones_at_its_end(images):
    rows = torch.cat([(images.train.targets == 0).nonzero()[:4], (images.train.targets == 1).nonzero()[:2]]).squeeze(1)
    picture = shown_in(galleries.data_set(Split(images.train.features[rows], images.train.targets[rows]), ("a", "b")))
    np.testing.assert_array_equal(cell(picture, 0, 3)[..., 0], images.train.features[rows[3]])
    np.testing.assert_array_equal(cell(picture, 1, 1)[..., 0], images.train.features[rows[5]])
    assert (cell(picture, 1, 2) == 255).all()


@pytest.mark.parametrize(("num_classes", "shown"), [(2, (0, 1)), (9, (0, 1, 2, 3)), (10, (0, 5, 8, 9))])
def test_examples_of_transforms_are_of_classes_that_exist(num_classes, shown):
    assert galleries.shown_classes(num_classes) == shown
