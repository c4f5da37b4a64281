import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import special
from sklearn import metrics
from sklearn.linear_model import LinearRegression

from dlstudy.closed_form import least_squares as closed_form
from dlstudy.core.base import artifacts
from dlstudy.core.base.dataset import Split
from dlstudy.core.calibration import fit_temperature
from dlstudy.core.params import ClosedFormParams, SgdParams
from dlstudy.evaluation import scores as evaluation
from dlstudy.measures.torchvision import right_examples
from dlstudy.sgd.loop import train_run

NAMES = ("shirt", "coat", "boot", "bag")
CLASSES = torch.arange(60) % 4
SPLIT = Split(torch.arange(60 * 6, dtype=torch.uint8).reshape(60, 2, 3), CLASSES)
CLOSED_FORM = ClosedFormParams(method="closed_form", data="housing")
SGD = SgdParams(method="sgd", data="housing", hidden=(), init="pytorch", lr=0.01, batch_size=64, num_epochs=1)
EXACT = 1e-12  # relative; the same formula in float64, summed in another order


@pytest.fixture
def logits() -> dict[int, torch.Tensor]:
    """Three runs, often right; the class "bag" is never predicted."""
    stream = torch.Generator().manual_seed(0)
    hints = torch.nn.functional.one_hot(CLASSES, 4) * torch.tensor([2.0, 1.0, 0.5, -9.0])
    return {seed: torch.randn(60, 4, generator=stream) + hints - torch.tensor([0, 0, 0, 20]) for seed in (5, 1, 2)}


def predicted(logits: dict[int, torch.Tensor]) -> np.ndarray:
    """All runs' predictions, one after the other."""
    return np.concatenate([values.numpy().argmax(1) for values in logits.values()])


# --- Classification ---


def test_scores_of_a_classifier_agree_with_scikit_learns(logits):
    table = evaluation.classification_scores(SPLIT, logits)
    assert table["seed"].tolist() == [5, 1, 2]
    for row, values in zip(table.itertuples(), logits.values(), strict=True):
        assert row.accuracy == metrics.accuracy_score(CLASSES, values.argmax(1))
        probabilities = special.softmax(values.double().numpy(), axis=1)
        assert row.loss == pytest.approx(metrics.log_loss(CLASSES, probabilities, labels=range(4)), rel=1e-5)  # float32


def test_what_is_right_is_a_bit_an_example_and_is_read_back_from_a_file(logits, tmp_path):
    artifacts.write_csv(tmp_path / "x.csv", evaluation.correctness(SPLIT, logits))
    table = pd.read_csv(tmp_path / "x.csv")
    right = np.stack([values.numpy().argmax(1) == CLASSES.numpy() for values in logits.values()])
    np.testing.assert_array_equal(right_examples(table), right)
    assert table["correct"].str.len().tolist() == [18] * 3  # 0x, and 60 bits in 8 bytes, two digits a byte


def test_confusion_counts_are_scikit_learns_summed_over_the_runs(logits):
    counts = evaluation.confusion_counts(SPLIT, logits, 4)
    expected = metrics.confusion_matrix(np.tile(CLASSES, 3), predicted(logits))
    assert counts.tolist() == expected.tolist()


def test_confusion_table_says_which_class_was_taken_for_which():
    table = evaluation.confusion_table(torch.tensor([[3, 1], [0, 2]]), ("shirt", "coat"))
    assert table.to_dict("split")["data"] == [
        ["shirt", "shirt", 3],
        ["shirt", "coat", 1],
        ["coat", "shirt", 0],
        ["coat", "coat", 2],
    ]
    assert list(table) == ["class", "predicted", "count"]


def test_class_scores_agree_with_scikit_learns_even_for_a_class_never_predicted(logits):
    table = evaluation.class_scores(evaluation.confusion_counts(SPLIT, logits, 4), NAMES)
    expected = metrics.precision_recall_fscore_support(np.tile(CLASSES, 3), predicted(logits), zero_division=0)
    assert table["class"].tolist() == list(NAMES)
    np.testing.assert_allclose(table[["precision", "recall", "f1"]].T, expected[:3], rtol=EXACT)
    assert table.iloc[3].tolist() == ["bag", 0, 0, 0]


def test_mean_probabilities_agree_with_scipys_softmax(logits):
    expected = np.mean([special.softmax(values.double().numpy(), axis=1) for values in logits.values()], axis=0)
    np.testing.assert_allclose(evaluation.mean_probabilities(logits), expected, rtol=EXACT)


def test_probabilities_survive_logits_whose_exponential_overflows():
    found = evaluation.mean_probabilities({0: torch.tensor([[1000.0, 0.0], [-1000.0, -1000.0]])})
    assert found.tolist() == [[1.0, 0.0], [0.5, 0.5]]


def test_predictions_follow_the_mean_of_the_runs():
    # Mean probabilities of the first example: (.9 + .2) / 2 = .55, so two undecided runs against one sure one.
    logits = {3: torch.tensor([[0.9, 0.1], [0.3, 0.7]]).log(), 8: torch.tensor([[0.2, 0.8], [0.1, 0.9]]).log()}
    split = Split(torch.zeros(2, 1), torch.tensor([0, 0]))
    table = evaluation.classification_predictions(split, logits)
    assert table.drop(columns="confidence").to_dict("list") == {
        "index": [0, 1],
        "class": [0, 0],
        "predicted": [0, 1],
        "seed_3": [0, 1],
        "seed_8": [1, 1],
    }
    assert table["confidence"].tolist() == pytest.approx([0.55, 0.8], rel=1e-6)  # logits are float32


def test_mistakes_are_the_wrong_ones_the_surest_first_with_their_images():
    predictions = pd.DataFrame(
        {
            "index": [0, 1, 2, 3, 4],
            "class": [0, 1, 2, 3, 0],
            "predicted": [0, 2, 1, 1, 2],  # the first is right
            "confidence": [0.99, 0.6, 0.8, 0.6, 0.5],
        }
    )
    mistakes = evaluation.confident_mistakes(SPLIT.features, predictions, NAMES, num_mistakes=3)
    assert mistakes["index"].tolist() == [2, 1, 3]  # of the two at .6 the first image first
    assert mistakes["class"].tolist() == ["boot", "coat", "bag"]
    assert mistakes["predicted"].tolist() == ["coat", "boot", "coat"]
    assert [list(bytes.fromhex(pixels)) for pixels in mistakes["pixels"]] == [
        SPLIT.features[index].flatten().tolist() for index in (2, 1, 3)
    ]


def test_there_may_be_fewer_mistakes_than_asked_for(logits):
    predictions = evaluation.classification_predictions(SPLIT, logits)
    num_wrong = (predictions["class"] != predictions["predicted"]).sum()
    assert 0 < num_wrong < 60
    assert len(evaluation.confident_mistakes(SPLIT.features, predictions, NAMES, num_mistakes=1000)) == num_wrong


def test_calibration_is_told_of_logits_as_trained_and_as_scaled(logits):
    temperature_of = {5: 2.0, 1: 1.0, 2: 0.5}
    table = evaluation.calibration_table(SPLIT, logits, temperature_of).set_index("seed")
    assert table.index.tolist() == [5, 1, 2]
    assert table["temperature"].to_dict() == temperature_of
    for seed, values in logits.items():
        for column, outputs in (("nll", values.double()), ("nll_scaled", values.double() / temperature_of[seed])):
            expected = -special.log_softmax(outputs.numpy(), axis=1)[np.arange(60), CLASSES].mean()
            assert table.loc[seed, column] == pytest.approx(expected, rel=EXACT)
    assert table.loc[1, "ece"] == table.loc[1, "ece_scaled"]  # divided by 1
    assert table.loc[5, "ece"] != table.loc[5, "ece_scaled"]
    assert (table["chance_ece_scaled"] > 0).all()


def test_the_range_of_the_logits_is_numpys(logits):
    table = evaluation.calibration_table(SPLIT, logits, dict.fromkeys(logits, 1.0)).set_index("seed")
    for seed, values in logits.items():
        ascending = np.sort(values.numpy().astype(float), axis=1)
        row = table.loc[seed]
        assert (row["logit_smallest"], row["logit_largest"]) == (ascending.min(), ascending.max())
        assert row["logit_top"] == pytest.approx(np.median(ascending[:, -1]), rel=EXACT)
        assert row["gap"] == pytest.approx(np.median(ascending[:, -1] - ascending[:, -2]), rel=EXACT)


def test_the_bins_of_reliability_hold_the_examples_of_all_runs(logits):
    temperature_of = {seed: fit_temperature(values, CLASSES) for seed, values in logits.items()}
    table = evaluation.reliability_table(SPLIT, logits, temperature_of)
    assert table["logits"].unique().tolist() == ["trained", "scaled"]
    assert table.groupby("logits")["num"].sum().to_dict() == {"trained": 3 * 60, "scaled": 3 * 60}
    accuracy = (predicted(logits) == np.tile(CLASSES.numpy(), 3)).mean()
    for kind, rows in table.groupby("logits"):  # no temperature changes a prediction
        assert (rows["num"] * rows["accuracy"]).sum() / 180 == pytest.approx(accuracy, rel=EXACT)
        scaled = [
            values.double() / (temperature_of[seed] if kind == "scaled" else 1) for seed, values in logits.items()
        ]
        confidence = special.softmax(torch.cat(scaled).numpy(), axis=1).max(1).mean()
        assert (rows["num"] * rows["confidence"]).sum() / 180 == pytest.approx(confidence, rel=EXACT)


# --- Regression ---


@pytest.fixture
def parameters(houses) -> dict[int, dict[str, torch.Tensor]]:
    return {seed: train_run(houses, SGD, seed).parameters for seed in (4, 2)}


def in_dollars(houses, parameters) -> np.ndarray:
    """A linear network's predictions for the test rows, unit by unit."""
    x = (houses.test.features - houses.feature_scale.mean) / houses.feature_scale.std
    y = x @ parameters["0.weight"][0] + parameters["0.bias"]
    return (y * houses.target_scale.std + houses.target_scale.mean).numpy()


def test_regression_scores_are_scikit_learns_in_dollars(houses, parameters):
    outputs = evaluation.network_outputs(houses, houses.test, parameters, CLOSED_FORM)
    table = evaluation.regression_scores(houses, houses.test, outputs)
    assert table["seed"].tolist() == [4, 2]
    for row, values in zip(table.itertuples(), parameters.values(), strict=True):
        truth, found = houses.test.targets.numpy(), in_dollars(houses, values)
        assert row.rmse == pytest.approx(metrics.root_mean_squared_error(truth, found), rel=EXACT)
        assert row.mae == pytest.approx(metrics.mean_absolute_error(truth, found), rel=EXACT)
        assert row.r2 == pytest.approx(metrics.r2_score(truth, found), rel=EXACT)


def test_regression_predictions_stand_beside_features_and_prices(houses, parameters):
    outputs = evaluation.network_outputs(houses, houses.test, parameters, CLOSED_FORM)
    table = evaluation.regression_predictions(houses, houses.test, outputs)
    assert list(table) == ["index", "area (square feet)", "age (years)", "price (dollars)", "seed_4", "seed_2"]
    assert table["price (dollars)"].tolist() == houses.test.targets.tolist()
    assert table["age (years)"].tolist() == houses.test.features[:, 1].tolist()
    np.testing.assert_allclose(table["seed_2"], in_dollars(houses, parameters[2]), rtol=EXACT)


def test_coefficients_of_least_squares_are_scikit_learns_in_raw_units(houses):
    run = closed_form.fit(houses)
    table = evaluation.coefficients(houses, {run.seed: run.parameters})
    model = LinearRegression().fit(houses.train.features.numpy(), houses.train.targets.numpy())
    assert table["name"].tolist() == ["area (square feet)", "age (years)", "intercept"]
    np.testing.assert_allclose(table["value"], [*model.coef_, model.intercept_], rtol=1e-8)  # promised by the study


def test_coefficients_reproduce_the_predictions_of_the_network(houses, parameters):
    table = evaluation.coefficients(houses, parameters)
    area, age = houses.test.features.T.numpy()
    for seed, values in parameters.items():
        of_seed = table[table["seed"] == seed].set_index("name")["value"]
        found = of_seed["area (square feet)"] * area + of_seed["age (years)"] * age + of_seed["intercept"]
        np.testing.assert_allclose(found, in_dollars(houses, values), rtol=EXACT)


# --- Headlines, and all together ---


def test_the_headline_of_a_classifier_is_mean_and_sample_deviation_over_the_seeds():
    of_test, of_validation = pd.DataFrame({"accuracy": [0.8, 0.9, 0.7]}), pd.DataFrame({"accuracy": [0.5, 0.7]})
    assert evaluation.classification_metrics(of_test, of_validation) == pytest.approx(
        {"test_accuracy": 0.8, "test_accuracy_std": 0.1, "validation_accuracy": 0.6}
    )


def test_one_seed_has_no_deviation():
    one = pd.DataFrame({"accuracy": [0.8]})
    assert evaluation.classification_metrics(one, one) == {"test_accuracy": 0.8, "validation_accuracy": 0.8}


def test_the_headline_of_a_regression_is_its_mean_over_the_seeds():
    of_test = pd.DataFrame({"rmse": [1.0, 3.0], "mae": [1.0, 1.0], "r2": [0.5, 0.7]})
    assert evaluation.regression_metrics(of_test, of_test.assign(rmse=5.0)) == pytest.approx(
        {"test_rmse": 2.0, "test_r2": 0.6, "validation_rmse": 5.0}
    )


def test_a_classifier_is_evaluated_whole_and_its_headline_is_of_the_test_split(images):
    model = SgdParams(
        method="sgd",
        data="images",
        hidden=(12,),
        activation="tanh",
        init="xavier",
        lr=0.1,
        batch_size=20,
        num_epochs=8,
    )
    parameters = {seed: train_run(images, model, seed).parameters for seed in (0, 1)}
    mislabelled = Split(images.test.features, (images.test.targets + 1) % 10)
    result = evaluation.evaluate(dataclasses.replace(images, test=mislabelled), model, parameters, num_mistakes=5)
    assert result.metrics["validation_accuracy"] > 0.9
    assert result.metrics["test_accuracy"] < 0.1
    tables = {"per_seed", "per_class", "confusion", "mistakes", "calibration", "reliability", "correct"}
    assert set(result.tables) == tables
    assert [(row.split, row.seed) for row in result.tables["per_seed"].itertuples()] == [
        ("validation", 0),
        ("validation", 1),
        ("test", 0),
        ("test", 1),
    ]
    assert result.tables["confusion"]["count"].sum() == 2 * 70
    assert len(result.tables["mistakes"]) == 5
    assert len(result.predictions) == 70
    calibration = result.tables["calibration"]
    assert calibration["seed"].tolist() == [0, 1]
    # fitted on validation, where nearly all is right; on test, whose labels are wrong, 1 would have been too low
    assert (calibration["temperature"] < 1).all()
    assert (calibration["nll"] > 1).all()


@pytest.mark.parametrize("model", [CLOSED_FORM, SGD])
def test_a_linear_regression_is_evaluated_with_its_coefficients(houses, parameters, model):
    result = evaluation.evaluate(houses, model, parameters, num_mistakes=5)
    assert set(result.tables) == {"per_seed", "coefficients"}
    assert list(result.metrics) == ["test_rmse", "test_r2", "validation_rmse"]
    found = [metrics.root_mean_squared_error(houses.test.targets, in_dollars(houses, p)) for p in parameters.values()]
    assert result.metrics["test_rmse"] == pytest.approx(np.mean(found), rel=EXACT)
    assert len(result.predictions) == len(houses.test)


def test_a_network_with_hidden_layers_has_no_coefficients(known_line):
    model = SGD.model_copy(update={"data": "synthetic", "hidden": (3,), "activation": "relu"})
    parameters = {0: train_run(known_line, model, seed=0).parameters}
    assert set(evaluation.evaluate(known_line, model, parameters, num_mistakes=5).tables) == {"per_seed"}
