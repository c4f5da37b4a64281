"""What the page of published figures makes of results made up for it."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from dlstudy.figures.classifiers import published_figures as figures
from dlstudy.literature.published import load_published
from dlstudy.report.markdown import environment
from dlstudy.report.pages import common
from dlstudy.report.published import (
    edition_rows,
    network_rows,
    order_rows,
    published_context,
    run_rows,
    single_run_row,
)
from dlstudy.study.ladder import Cell
from dlstudy.study.params import JudgeParams
from tests.image_sets import IMAGE_SETS

PUBLISHED = load_published()
CELLS = [
    (figure.hidden, figure.activation, figure.value) for figure in PUBLISHED.networks if figure.short == "Xiao 2017"
]


NUM_SEEDS = 8


def table(shifts):
    """Eight seeds a network, half of them 0.002 above the others, around the published figure and a shift of it."""
    return pd.DataFrame(
        [
            {"hidden": "-".join(map(str, hidden)), "activation": activation, "seed": seed}
            | {"test_accuracy": value + shifts.get((hidden, activation), 0) + apart}
            for hidden, activation, value in CELLS
            for seed, apart in enumerate([-0.001, 0.001] * (NUM_SEEDS // 2))
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


SETTINGS = JudgeParams(margin=0.5, confidence=0.95)
PROTOCOL = {"depths": (1, 4), "budgets": (0.5, 2.0), "tuning_seeds": (100,), "seeds": (20, 21)}
LADDER = SimpleNamespace(protocol=SimpleNamespace(**PROTOCOL), activations=("relu", "tanh"))
SINGLE_RUNS = [
    {"cell": Cell(4, 2.0), "best": "tanh", "spread": 0.2, "num_seeds": 2, "num_agreeing": 1, "others": ["relu"]}
]


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
                "num_seeds": NUM_SEEDS,
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
    return MadeUp(tables=tables, dataset=dataset, study=SimpleNamespace(judge=SETTINGS, ladder=LADDER))


def page(**made):
    of = results(**made)
    published = PUBLISHED.beside(of.dataset)
    context = common(of, published) | published_context(of, published) | {"single_runs": SINGLE_RUNS}
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


def orders(found):
    rows = order_rows(found, network_rows(found, epochs(found), PUBLISHED.networks), SETTINGS)
    return {
        tuple((row[which]["hidden"], row[which]["activation"]) for which in ("first", "second")): row for row in rows
    }


def test_every_shape_and_every_pair_of_neighbours_is_judged_once_the_published_leader_first():
    found = orders(table({}))
    shapes = [(shape, "relu", shape, "tanh") for shape in ("100", "100-10", "10-10", "10")]
    ranking = [
        *[("100", "relu"), ("100-10", "relu"), ("100", "tanh"), ("100-10", "tanh")],
        *[("10-10", "relu"), ("10", "relu"), ("10-10", "tanh"), ("10", "tanh")],
    ]
    neighbours = [(*ranking[place], *ranking[place + 1]) for place in range(7)]
    assert [(*first, *second) for first, second in found] == shapes + neighbours
    assert all(row["published"] > 0 for row in found.values())


def test_an_order_is_judged_by_the_interval_of_paired_differences():
    noise = np.random.default_rng(0).normal(0, 0.002, 8 * NUM_SEEDS)
    found = table({((10,), "tanh"): 0.03}).assign(test_accuracy=lambda each: each["test_accuracy"] + noise)
    for ((hidden, activation), (other, second)), row in orders(found).items():
        ours = [
            found[(found["hidden"] == shape) & (found["activation"] == name)]["test_accuracy"]
            for shape, name in ((hidden, activation), (other, second))
        ]
        expected = stats.ttest_rel(*ours)
        for level, bounds in ((0.95, (row["ours"].low, row["ours"].high)), (0.9, None)):
            low, high = (100 * each for each in expected.confidence_interval(level))
            if bounds:
                assert bounds == pytest.approx((low, high))
                outcome = "better" if low > 0 else "worse" if high < 0 else "undecided"
            elif low > -0.5 and high < 0.5:
                outcome = "equivalent"
        assert row["outcome"] == outcome
    assert orders(found)[("10", "relu"), ("10", "tanh")]["order"] == "the other way"
    assert len({row["order"] for row in orders(found).values()}) >= 3  # of the four


def test_too_few_seeds_decide_no_order():
    few = table({}).query("seed < 3")
    assert {row["order"] for row in orders(few).values()} == {"undecided"}


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
    assert "8 of 8 accuracies of Fashion-MNIST's paper are reproduced" in text


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


def test_the_page_counts_the_orders_and_names_those_that_are_the_other_way():
    text = page(shifts={((10,), "tanh"): 0.02})
    assert "| 10 relu, 10 tanh | +0.8 | -1.20 (-1.20 to -1.20) | worse | the other way |" in text
    assert "| 100 relu, 100 tanh | +0.3 | +0.30 (+0.30 to +0.30) | equivalent | too close to matter |" in text
    # 10-10 tanh, published just above 10 tanh, is behind too
    assert "the first beyond doubt behind: 10 relu and 10 tanh; 10-10 tanh and 10 tanh." in text
    assert "the other way, " in text
    assert "of 11 orders between its networks, " in text


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


def test_a_sweep_of_others_stands_beside_the_ladder_without_figures():
    text = page()
    assert "| Pedamonti 2018 (arXiv 1804.02763) | the ladder |" in text
    assert "quote none of its figures" in text
    assert "| 4 hidden layers, 2 epochs | tanh | 0.20 | 1 of 2 | relu |" in text
    assert PUBLISHED.sweep.value is None


def test_what_a_single_run_names_is_the_best_of_its_own_seed():
    scores = pd.DataFrame({"relu": [0.80, 0.88, 0.81], "tanh": [0.85, 0.86, 0.82], "elu": [0.1, 0.1, 0.83]})
    ladder = SimpleNamespace(activations=tuple(scores), scores=lambda name, cell: scores[name])
    row = single_run_row(ladder, Cell(4, 2.0))
    assert (row["best"], row["num_seeds"], row["num_agreeing"], row["others"]) == ("tanh", 3, 1, ["elu", "relu"])
    assert row["spread"] == pytest.approx(100 * stats.tstd([0.85, 0.86, 0.82]))


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
    assert [len(line.get_xdata()) for line in dots] == [NUM_SEEDS] * 8
    right = drawn["published_tutorial"].axes[1]
    (stops,) = (line for line in right.lines if line.get_marker() == "x" and len(line.get_xdata()))
    assert sorted(stops.get_xdata()) == [8, 14]
