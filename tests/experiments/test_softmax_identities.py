import math

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import special

from dlstudy.core.base.artifacts import write_folder
from dlstudy.experiments.softmax_identities import run as softmax

EXACT = 1e-12  # relative; the same number in float64 by another formula


@pytest.fixture(scope="module")
def logits() -> dict[int, torch.Tensor]:
    """Two runs of 300 images of 10 classes, in float32 and of the size that training gives."""
    stream = torch.Generator().manual_seed(0)
    return {seed: 6 * torch.randn(300, 10, generator=stream) for seed in (3, 1)}


@pytest.fixture(scope="module")
def findings(logits):
    return softmax.findings(logits)


# --- The note's examples ---


def test_the_same_ratio_has_another_probability_at_every_scale():
    table = softmax.scales()
    for row in table.itertuples():
        expected = special.softmax([row.largest / 100, row.largest, row.largest / 100])[1]
        assert row.probability == pytest.approx(expected, rel=EXACT)
        assert row.predicted == pytest.approx(expected, rel=EXACT)
    by_scale = table.set_index(table["scale"].round(6))
    assert round(by_scale.loc[1.0, "probability"], 4) == 0.9999  # 0.1, 10, 0.1
    assert round(by_scale.loc[0.01, "probability"], 3) == 0.356  # 0.001, 0.1, 0.001
    assert (table["scale"].min(), table["scale"].max()) == (1e-3, 1e2)


def test_the_output_from_which_on_it_is_sure_is_found_where_theory_has_it():
    facts = softmax.facts()
    assert facts["threshold_measured"] == pytest.approx(facts["threshold_predicted"], rel=EXACT)
    sure = facts["threshold_measured"] * (1 + 1e-9)
    assert (
        special.softmax([sure / 100, sure, sure / 100])[1] > 0.99 >= softmax.probability_of_largest(sure * (1 - 1e-8))
    )


def test_ten_beside_two_thousands_has_a_logarithm_but_no_float():
    facts = softmax.facts()
    assert facts["huge_log_probability"] == pytest.approx(-990 - math.log(2), rel=EXACT)  # 1 / (2 exp(990))
    middle = softmax.huge().query("position == 2")
    assert middle["probability"].tolist() == [0.0, 0.0]
    assert facts["huge_log10_probability"] < math.log10(facts["smallest_float64"])


def test_the_formula_as_written_gives_the_two_thousands_no_number():
    table = softmax.huge()
    for dtype, rows in table.groupby("format"):
        with np.errstate(all="ignore"):
            powers = np.exp(np.array([1000, 10, 1000], dtype=dtype))
            expected = np.isfinite(powers / powers.sum())
        assert rows["defined_as_written"].tolist() == expected.tolist() == [False, True, False]
        assert rows["probability"].tolist() == [0.5, 0.0, 0.5]


# --- Limits of the formats ---


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_exp_overflows_right_beyond_its_limit(dtype):
    (row,) = softmax.limits().query(f"format == '{dtype.__name__}' and limit == 'overflow'").to_dict("records")
    limit = dtype(row["measured"])
    assert np.isfinite(np.exp(limit))
    with np.errstate(over="ignore"):
        assert np.isinf(np.exp(np.nextafter(limit, dtype(np.inf))))
    assert row["measured"] == pytest.approx(row["predicted"], rel=float(np.finfo(dtype).eps))  # the next float at most


@pytest.mark.parametrize(("kind", "expected"), [("float32", 150 * math.log(2)), ("float64", 1075 * math.log(2))])
def test_a_probability_vanishes_below_half_the_smallest_number(kind, expected):
    # the smallest numbers are 2^-149 and 2^-1074; what is less than half of one is rounded to 0
    (row,) = softmax.limits().query(f"format == '{kind}' and limit == 'vanishing'").to_dict("records")
    assert row["predicted"] == pytest.approx(expected, rel=EXACT)
    # exp may be off in its last bit, which is the whole of so small a number
    assert row["measured"] == pytest.approx(expected, rel=1e-6)


def test_gaps_beyond_the_limit_leave_nothing():
    table = softmax.gaps()
    limits = softmax.limits().query("limit == 'vanishing'").set_index("format")["measured"]
    assert ((table["probability"] == 0) == (table["gap"] > table["format"].map(limits))).all()
    exact = table[(table["format"] == "float64") & (table["gap"] < 700)]
    np.testing.assert_allclose(exact["probability"], special.expit(-exact["gap"]), rtol=EXACT)


def test_bisection_finds_the_last_number_of_the_format():
    assert softmax.last_that(lambda x: x * x <= 2, torch.float64, 1.0, 2.0) == math.nextafter(math.sqrt(2), 0)
    found = softmax.last_that(lambda x: x < 0.1, torch.float32, 0.0, 1.0)
    assert np.float32(found) == found < 0.1 <= np.nextafter(np.float32(found), np.float32(1))


@pytest.mark.parametrize("holds", [lambda x: True, lambda x: False])
def test_bisection_refuses_what_does_not_end_between(holds):
    with pytest.raises(ValueError, match="expected what holds"):
        softmax.last_that(holds, torch.float64, 1.0, 2.0)


# --- Log-probabilities ---


def test_exact_log_probabilities_of_a_case_worked_by_hand():
    found = softmax.exact_log_probabilities([0.0, math.log(3)])  # weights 1 and 3
    assert [float(value) for value in found] == pytest.approx([math.log(1 / 4), math.log(3 / 4)], rel=EXACT)


def test_exact_log_probabilities_are_scipys_where_both_can():
    outputs = [-3.5, 0.25, 1.0, 4.0]
    found = [float(value) for value in softmax.exact_log_probabilities(outputs)]
    np.testing.assert_allclose(found, special.log_softmax(outputs), rtol=EXACT)


def test_log_probabilities_with_the_largest_subtracted_are_exact():
    table = softmax.log_probabilities()
    middle = table["position"] == 2
    np.testing.assert_allclose(table.loc[~middle, "exact"], -math.log(2), rtol=EXACT)
    np.testing.assert_allclose(table.loc[middle, "exact"], 10 - table.loc[middle, "largest"] - math.log(2), rtol=EXACT)
    assert table["error"].max() < np.finfo(float).eps  # one rounding


def test_a_nearly_certain_class_loses_digits_of_its_logarithm():
    outputs = [0.0, -25.0, -30.0]
    exact = float(softmax.exact_log_probabilities(outputs)[0])
    computed = torch.tensor(outputs, dtype=torch.float64).log_softmax(0)[0].item()
    found = softmax.near_certain_error(torch.tensor([outputs]))
    assert found == pytest.approx(abs(computed - exact) / abs(exact), rel=1e-3)  # of an error, three digits are plenty
    assert 1e-8 < found < 1e-4  # 1 + 1.4e-11 keeps five or six digits of its second term


def test_a_certain_class_has_no_error():
    assert softmax.near_certain_error(torch.tensor([[0.0, -900.0]])) == 0


# --- Trained logits ---


def test_shifts_change_what_rounding_changes(findings, logits):
    table = findings["shifts"]
    assert table["outputs"].unique().tolist() == ["the note's example", "seed 3", "seed 1"]
    assert len(table) == 3 * 5
    # a sum near 1000 is off by half of ulp(1000) at most, and a probability by half of what its outputs are
    far = table["shift"].abs() == 1000
    assert table.loc[far, "change"].max() <= math.ulp(1000) / 4 + 1e-15
    assert table.loc[far, "change"].max() > 1e-15  # the test could have failed


def test_without_digits_to_lose_a_shift_would_test_nothing(logits, monkeypatch):
    monkeypatch.setattr(softmax, "DIVISOR", 1)
    table = softmax.shifts({"as they are": logits[1][:, :2].round(decimals=2)}).query("outputs == 'as they are'")
    assert table["change"].max() < 1e-15


def test_sums_are_one_for_trained_and_extreme_outputs(findings):
    table = findings["sums"]
    assert set(table["outputs"]) == {"seed 3", "seed 1", "extreme outputs"}
    largest = table.groupby("format")["error"].max()
    # ten roundings of numbers that sum to 1
    assert largest["float32"] < 10 * 2**-24
    assert largest["float64"] < 10 * 2**-53


def test_zeros_and_moved_classes_are_counted():
    planted = torch.zeros(4, 3)
    planted[0] = torch.tensor([0.0, -200.0, -300.0])  # two probabilities are 0 in float32
    planted[1] = torch.tensor([0.0, 1e-9, -1.0])  # the two largest become equal
    table = softmax.trained({7: planted})
    assert table[["seed", "num_images", "num_zero", "num_moved"]].to_numpy().tolist() == [[7, 4, 2, 1]]
    assert table["smallest"].tolist() == [0.0]


def test_nothing_moves_where_outputs_differ(findings, logits):
    table = findings["trained"]
    assert table["num_moved"].tolist() == [0, 0]
    expected = [special.softmax(values.double().numpy(), axis=1).min() for values in logits.values()]
    np.testing.assert_allclose(table["smallest"], expected, rtol=1e-5)  # computed in float32, of logits to -30 or so


def test_the_two_class_error_looks_at_every_pair(monkeypatch):
    assert softmax.two_class_error(torch.tensor([[1.0, -2.0, 30.0]])) < 1e-15
    monkeypatch.setattr(torch.Tensor, "sigmoid", lambda self: (self > 5).double())  # wrong, most of all for a - b = 3
    found = softmax.two_class_error(torch.tensor([[1.0, -2.0, 30.0]]))
    assert found == pytest.approx(special.expit(3.0), rel=EXACT)


# --- All together ---


def test_the_findings_can_be_written_and_are_the_same_each_time(findings, logits, tmp_path):
    again = softmax.findings(logits)
    assert findings.keys() == again.keys()
    for name, table in findings.items():
        if name != "facts":
            pd.testing.assert_frame_equal(table, again[name], check_exact=True)
    assert findings["facts"] == again["facts"]
    write_folder(tmp_path, findings)
