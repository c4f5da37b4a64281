import pytest

from dlstudy.core.base.params import ParamsError, validated
from dlstudy.experiments.activation_outputs.params import OutputsParams

RATES = [0.0316, 0.1, 0.316]
PRICE = {"hidden": [4], "batch_size": 64, "num_epochs": 1, "learning_rates": RATES, "tuning_seeds": [100]}
CONTENT = {
    "budgets": [2, 8.0],
    "width": 64,
    "batch_size": 64,
    "middle_depth": 4,
    "deep_depth": 8,
    "learning_rates": RATES,
    "adam_learning_rates": [0.001, 0.00316, 0.01],
    "tuning_seeds": [100, 101],
    "seeds": [30, 31],
    "stack_size": 5,
    "reached": 0.8,
    "price": PRICE,
}


def problem(changes, **rows):
    with pytest.raises(ParamsError) as caught:
        validated(CONTENT | changes, OutputsParams, prefix="x", context={"num_training_rows": rows})
    first, line = str(caught.value).split("\n  ")
    assert first.endswith("1 problem")
    return line


def test_whole_numbers_may_stand_for_fractions():
    params = validated(CONTENT, OutputsParams)
    assert params.budgets == (2.0, 8.0)
    assert params.price.hidden == (4,)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"middle_depth": 2}, "x.middle_depth: expected greater than or equal to 3, found 2"),
        ({"budgets": [8.0, 2.0]}, "x.budgets: expected ascending numbers, each once, found [8.0, 2.0]"),
        ({"reached": 80}, "x.reached: expected less than 1, found 80"),
        (
            {"learning_rates": [0.1, 0.0316, 0.316]},
            "x.learning_rates: expected ascending numbers, each once, found [0.1, 0.0316, 0.316]",
        ),
        (
            {"learning_rates": [0.03, 0.1, 0.3]},
            "x.learning_rates: expected learning rates of quarters of a decade, such as 0.0316, found 0.03",
        ),
        ({"adam_learning_rates": [0.1, 1.0]}, "x.adam_learning_rates: expected at least 3 entries, found [0.1, 1.0]"),
        ({"seeds": [30, 100]}, "x.seeds: expected tuning_seeds that are not among seeds, which evaluate, found [100]"),
        ({"tuning_seeds": [100, 100]}, "x.tuning_seeds: expected each seed once, found [100, 100]"),
    ],
)
def test_what_cannot_be_compared_is_refused(changes, line):
    assert problem(changes) == line


def test_batch_normalisation_takes_two_images_at_least():
    refusal = (
        "x.batch_size: expected minibatches, the last of an epoch too, of 2 images at least, for batch "
        "normalisation, found one of 1 "
    )
    assert problem({}, images=2 * 64 + 1) == refusal + "(minibatches of 64, of 129 images)"
    assert problem({"batch_size": 1}) == refusal + "(minibatches of 1)"
    for images in (2 * 64, 2 * 64 + 2):
        validated(CONTENT, OutputsParams, context={"num_training_rows": {"images": images}})


def test_minibatches_fit_into_both_training_splits():
    assert problem({}, images=63) == ("x.batch_size: expected at most 63, the training split of images, found 64")
    assert problem({"price": PRICE | {"batch_size": 65}}, housing=64) == (
        "x.price.batch_size: expected at most 64, the training split of housing, found 65"
    )
