"""What the page of published figures makes of results made up for it."""

from types import SimpleNamespace

import pandas as pd
import pytest

from dlstudy.figures.published_networks import figures
from dlstudy.literature.published import load_published
from dlstudy.report.markdown import environment
from dlstudy.report.published import edition_rows, network_rows, order_rows, published_context, run_rows
from tests.image_sets import IMAGE_SETS

PUBLISHED = load_published()
CELLS = [
    (figure.hidden, figure.activation, figure.value) for figure in PUBLISHED.networks if figure.short == "Xiao 2017"
]


def table(shifts):
    """Two seeds a network, 0.002 apart, around the published figure and a shift of it."""
    return pd.DataFrame(
        [
            {"hidden": "-".join(map(str, hidden)), "activation": activation, "seed": seed}
            | {"test_accuracy": value + shifts.get((hidden, activation), 0) + apart}
            for hidden, activation, value in CELLS
            for seed, apart in ((0, -0.001), (1, 0.001))
        ]
    )


def epochs(found, last=0.01):
    return pd.DataFrame(
        [
            dict(row) | {"init": "xavier", "epoch": epoch, "validation_loss": 1.0, "validation_accuracy": accuracy}
            for row in found[["hidden", "activation", "seed"]].to_dict("records")
            for epoch, accuracy in ((0, 0.1), (1, 0.8), (2, 0.8 + last))
        ]
    )


def runs(*rows):
    columns = ["activation", "init", "seed", "num_epochs", "begins", "stops"]
    return pd.DataFrame(rows, columns=columns).assign(validation_accuracy=0.3, test_accuracy=0.3)


STOPPED = runs(
    ("sigmoid", "pytorch", 0, 17, 17, 14), ("sigmoid", "pytorch", 1, 18, 18, 8), ("sigmoid", "lecun", 0, 4, 4, 0)
)


class MadeUp(SimpleNamespace):
    """Results as the experiment leaves them."""

    def image_set(self):
        return IMAGE_SETS[self.dataset]

    def facts(self, data):
        assert data == "images"
        return {"class_names": self.image_set().class_names}

    def experiment(self, name, part):
        assert name == "published_networks"
        return self.tables[part]

    def experiment_facts(self, name):
        assert name == "published_networks"
        return {
            "table": {
                "networks": [
                    {"hidden": list(hidden), "num_epochs": 2} for hidden in dict.fromkeys(h for h, *_ in CELLS)
                ],
                "lr": 0.001,
                "batch_size": 200,
                "init": "xavier",
                "num_seeds": 2,
            },
            "tutorial": {
                "hidden": [512, 256, 256, 128],
                "lr": 0.01,
                "momentum": 0.9,
                "batch_size": 256,
                "max_epochs": 20,
                "patience": 7,
                "num_images": 512,
            },
            "num_signal_seeds": 2,
            "num_examples": {"train": 50_000, "validation": 10_000, "test": 10_000},
            "learning_above": 0.2,
            "gains": {"pytorch": [1 / 3], "lecun": [1.0]},
        }


def results(shifts=None, found=STOPPED, last=0.01, dataset="FashionMNIST"):
    made = table(shifts or {})
    signals = pd.DataFrame([{"activation": "sigmoid", "init": "pytorch", "layer": layer} for layer in (1, 2)])
    numbers = ("predicted", "measured", "predicted_ratio", "ratio", "ratio_low", "ratio_high")
    curves = pd.DataFrame(
        [
            {"hidden": "512-256-256-128", "epoch": epoch, "validation_loss": 2.3, "validation_accuracy": 0.1}
            | {name: row[name] for name in ("activation", "init", "seed")}
            for row in found.to_dict("records")
            for epoch in range(row["num_epochs"] + 1)
        ]
    )
    tables = {
        "table": made,
        "table_epochs": epochs(made, last),
        "tutorial": found,
        "tutorial_epochs": curves,
        "tutorial_signals": signals.assign(**dict.fromkeys(numbers, 0.1)),
    }
    return MadeUp(tables=tables, dataset=dataset)


def page(**made):
    of = results(**made)
    context = published_context(of, PUBLISHED.beside(of.dataset))
    return environment().get_template("activation_published.md.j2").render(context)


def test_a_row_is_the_difference_from_the_published_figure_in_points():
    found = table({((100,), "relu"): 0.015})
    rows = network_rows(found, epochs(found), PUBLISHED.networks)
    assert len(rows) == 8
    by_cell = {(row["hidden"], row["activation"]): row for row in rows}
    assert by_cell["100", "relu"]["difference"] == pytest.approx(1.5)
    assert by_cell["100", "tanh"]["difference"] == pytest.approx(0, abs=1e-9)
    assert by_cell["100", "relu"]["gain"] == pytest.approx(1.0)
    assert (by_cell["10-10", "relu"]["low"], by_cell["10-10", "relu"]["high"]) == pytest.approx((0.849, 0.851))


def test_the_order_is_that_of_the_means_over_paired_seeds():
    found = table({((10,), "tanh"): 0.02})
    rows = network_rows(found, epochs(found), PUBLISHED.networks)
    orders = {row["hidden"]: row for row in order_rows(found, rows)}
    assert {hidden: row["same"] for hidden, row in orders.items()} == {
        "100": True,
        "100-10": True,
        "10": False,
        "10-10": True,
    }
    assert orders["10"]["published"] == pytest.approx(0.8)
    assert orders["10"]["mean"] == pytest.approx(-1.2)


def test_a_run_is_stopped_early_where_the_rule_ends_it_before_it_learns():
    found = runs(
        ("sigmoid", "pytorch", 0, 17, 17, 14),  # stopped before
        ("sigmoid", "pytorch", 1, 20, 0, 9),  # stopped, and never learnt
        ("sigmoid", "pytorch", 2, 9, 9, 0),  # not stopped
        ("sigmoid", "pytorch", 3, 20, 0, 0),  # neither
    )
    (row,) = run_rows(found)
    assert (row["early"], row["num_learning"], row["num_seeds"], row["num_epochs"]) == (2, 2, 4, 20)


def test_an_edition_has_a_figure_for_each_activation_it_publishes():
    rows = {row["activation"]: row["values"] for row in edition_rows(PUBLISHED.networks, (512, 256, 256, 128))}
    assert rows["sigmoid"] == {"UvA, PyTorch": 0.1, "UvA, JAX": 0.7846}
    assert rows["silu"] == {"UvA, PyTorch": 0.8873, "UvA, JAX": 0.8833}


def test_the_page_says_when_all_is_reproduced():
    text = page()
    assert "All 8 are reproduced." in text
    assert "ReLU is ahead wherever it is in the paper." in text


@pytest.mark.parametrize(
    ("shift", "last", "told"),
    [
        (-0.02, 0.01, "they had not come to an end"),
        (-0.02, -0.01, "the number of epochs alone does not explain"),
        (0.02, 0.01, "Above it (1)"),
    ],
)
def test_the_page_names_what_is_not_reproduced_and_what_the_data_say_of_it(shift, last, told):
    text = page(shifts={((10, 10), "tanh"): shift}, last=last)
    assert f"7 of 8 are reproduced. Not within 1.0 points: 10-10 with tanh ({100 * shift:+.2f})." in text
    assert told in text


def test_the_page_tells_of_another_order_whether_the_seeds_agree():
    assert "For 100 all seeds agree" in page(shifts={((100,), "tanh"): 0.009})


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (STOPPED, "stops 2 of 2 runs before that"),
        (runs(("sigmoid", "pytorch", 0, 17, 17, 14)), "stops it before that"),
        (runs(("sigmoid", "pytorch", 0, 20, 0, 14)), "0 of 1 seeds begin to learn within 20 epochs"),
        (runs(("sigmoid", "pytorch", 0, 3, 3, 0)), "they do not show how its published accuracy came about"),
    ],
)
def test_the_page_says_of_the_sigmoid_what_the_runs_show(found, told):
    assert told in page(found=found)


def test_with_other_images_nothing_is_compared_and_the_page_says_why():
    text = page(dataset="MNIST")
    assert "No published figure stands beside them:** all that we have are accuracies on Fashion-MNIST" in text
    assert "this study is about [MNIST](data.md#mnist)" in text
    ours, _, elsewhere = text.partition("## Published elsewhere")
    assert not [figure.value for figure in PUBLISHED.networks if figure.value > 0.5 and f"| {figure.value} |" in ours]
    assert "reproduced" not in ours
    assert "| 100 | relu | 0.8710 | 0.8700 to 0.8720 |" in ours  # the seeds of `table`
    assert "| sigmoid | pytorch | 2 | 17, 18 | 8, 14 | 2 |" in ours  # those of `STOPPED`
    assert "| Fashion-MNIST | AlexNet |" in elsewhere  # says itself what it is about
    assert "figures/published_networks.png" in ours  # what is drawn is shown
    assert "figures/published_tutorial.png" in ours


@pytest.mark.parametrize(("dataset", "num_diamonds"), [("FashionMNIST", 8), ("MNIST", 0)])
def test_the_figure_has_published_values_of_the_same_images_alone(dataset, num_diamonds):
    drawn = dict(figures(results(), PUBLISHED.beside(dataset)))["published_networks"]
    lines = drawn.axes[0].lines
    assert sum(line.get_marker() == "D" and len(line.get_xdata()) == 1 for line in lines) == num_diamonds
    assert ("published" in {line.get_label() for line in lines}) == bool(num_diamonds)


def test_the_figures_show_every_seed():
    drawn = dict(figures(results(), PUBLISHED))
    assert list(drawn) == ["published_networks", "published_tutorial"]
    dots = [
        line for line in drawn["published_networks"].axes[0].lines if line.get_marker() == "o" and len(line.get_xdata())
    ]
    assert [len(line.get_xdata()) for line in dots] == [2] * 8
    right = drawn["published_tutorial"].axes[1]
    (stops,) = (line for line in right.lines if line.get_marker() == "x" and len(line.get_xdata()))
    assert sorted(stops.get_xdata()) == [8, 14]
