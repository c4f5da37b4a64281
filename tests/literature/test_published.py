import re

import pytest
from ruamel.yaml import YAML

from dlstudy.core.base.params import ParamsError
from dlstudy.literature.published import FILE, load_published
from tests.committed import committed_study


def test_a_published_accuracy_stands_beside_a_classifier_of_ours():
    study = committed_study()
    models = {**study.train, **study.vision}
    published = [figure for figure in load_published().fashion_mnist if figure.beside]
    assert published
    assert {models[figure.beside].data for figure in published} == {"images"}


def test_beside_other_images_stands_nothing_that_is_about_images():
    published = load_published()
    assert published.beside("FashionMNIST") == published
    other = published.beside("KMNIST")
    assert (other.people, other.fashion_mnist, other.networks, other.dead_units) == (None, (), (), None)
    assert (other.housing, other.elsewhere) == (published.housing, published.elsewhere)


def test_every_published_accuracy_is_shown_somewhere():
    assert [figure.model for figure in load_published().fashion_mnist if not (figure.beside or figure.hidden)] == []


def test_a_network_that_is_trained_once_more_is_the_one_that_is_described():
    for figure in load_published().networks:
        words = figure.model.lower().replace("swish", "silu")
        assert [int(number) for number in re.findall(r"\d+", words)] == list(figure.hidden)
        assert words.endswith(figure.activation)


def test_no_network_is_published_twice_by_one_source():
    keys = [(figure.short, figure.hidden, figure.activation) for figure in load_published().networks]
    assert len(set(keys)) == len(keys)


def test_a_comparison_known_from_memory_alone_has_no_number():
    elsewhere = load_published().elsewhere
    assert all(figure.source and figure.protocol and figure.quantity for figure in elsewhere)
    assert [figure.data for figure in elsewhere if figure.value is None] == ["MNIST"]


@pytest.mark.parametrize(
    ("model", "value"),
    [
        *[("logistic regression, l2, C=1", 0.841), ("MLP, 100 ReLU", 0.871), ("MLP, 100 tanh", 0.868)],
        *[("MLP, 100 and 10 ReLU", 0.870), ("MLP, 100 and 10 tanh", 0.863), ("MLP, 10 ReLU", 0.848)],
        *[("MLP, 10 tanh", 0.840), ("MLP, 10 and 10 ReLU", 0.850), ("MLP, 10 and 10 tanh", 0.841)],
    ],
)
def test_figures_are_those_of_table_3_of_the_paper(model, value):
    (figure,) = (figure for figure in load_published().fashion_mnist if figure.model == model)
    assert figure.value == value
    assert "1708.07747" in figure.source


def test_errors_are_told_where_a_fit_to_the_houses_has_them():
    errors = {fit.model: (fit.rmse, fit.resampled_rmse) for fit in load_published().housing}
    assert errors.pop("linear model of the logarithm of the price") == (0.0736, 0.0799)
    assert set(errors.values()) == {(None, None)}


@pytest.mark.parametrize("value", [84.1, 0, "0.841", None])
def test_an_accuracy_that_is_no_share_is_named(tmp_path, value):
    content = YAML(typ="safe").load(FILE)
    content["fashion_mnist"][2]["value"] = value
    path = tmp_path / "published.yaml"
    with path.open("w") as file:
        YAML(typ="safe", pure=True).dump(content, file)
    with pytest.raises(ParamsError) as caught:
        load_published(path)
    assert str(caught.value).startswith(f"{path}: 1 problem\n  fashion_mnist.2.value: expected ")
    assert str(caught.value).endswith(f"found {value!r}")
