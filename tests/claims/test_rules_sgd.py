import pytest

from dlstudy.claims.sgd import ZScores, pooled_z, two_sided_p
from dlstudy.judging.core import Evidence
from tests.claims.cases_sgd import means
from tests.claims.support import Tables

SETTINGS = Tables().study.judge


def decided(*scores):
    return ZScores().decide(Evidence({f"B = {place}": [z] for place, z in enumerate(scores)}), SETTINGS)


def test_the_p_value_of_a_z_score_is_that_of_the_table():
    assert two_sided_p(1.959964) == pytest.approx(0.05, rel=1e-6)
    assert two_sided_p(-3.0) == pytest.approx(0.0026998, rel=1e-4)


def test_a_single_score_is_held_against_3():
    assert decided(-2.99).verdict == "supported"
    assert decided(-3.01).verdict == "refuted"


def test_more_conditions_allow_a_larger_score_by_holm():
    few, many = decided(3.2), decided(3.2, *[0.1] * 19)
    assert (few.verdict, many.verdict) == ("refuted", "supported")
    assert decided(4.2, *[0.1] * 19).verdict == "refuted"  # 20 x 0.0000267 = 0.0005


def test_the_largest_score_is_shown_with_its_sign_and_place():
    found = decided(1.0, -2.5, 2.0)
    assert (found.estimate, found.where, found.p_value) == (-2.5, "B = 1", None)


def test_pooling_is_the_z_score_of_all_minibatches_together():
    table = means(0.0).experiment("sgd_theory", "means")
    # Two groups by hand: {0, 2} and {3, 3, 3, 5}: mean 16 / 6, variance 56 / 6 - (16 / 6)^2.
    groups = table.iloc[:2].assign(deviation=[1.0, 3.5], variance=[1.0, 0.75], num_minibatches=[2, 4])
    assert pooled_z(groups) == pytest.approx((16 / 6) / ((56 / 6 - (16 / 6) ** 2) / 5) ** 0.5, rel=1e-12)
