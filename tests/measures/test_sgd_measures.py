import pytest

from dlstudy.judging.evidence import Evidence
from dlstudy.judging.rules import decide
from dlstudy.measures.find import measured
from dlstudy.measures.sgd import pooled_z
from tests.committed import committed_statements
from tests.measures.cases_sgd import CASES, means
from tests.measures.support import Tables

SETTINGS = Tables().study.judge
(SGD_1,) = (each for each in committed_statements() if each.id == "SGD-1")
RULE = SGD_1.readings[0].en.rule


def test_that_nothing_was_found_does_not_support_that_nothing_is_there():
    """The first edition called SGD-1 supported by a test that did not reject, however few minibatches there were."""
    table = means(0.0).experiment("sgd_theory", "means")
    noisy = table.assign(deviation=table["deviation"] + [(-1) ** seed for seed in table["seed"]])
    evidence = measured(SGD_1.readings[0], Tables(experiments={("sgd_theory", "means"): noisy}, **facts()))
    assert decide(evidence, RULE, SETTINGS).verdict == "inconclusive"


def facts():
    return {"facts_of": CASES["SGD-1"].supporting.facts_of}


def test_pooling_is_the_z_score_of_all_minibatches_together():
    table = means(0.0).experiment("sgd_theory", "means")
    # Two groups by hand: {0, 2} and {3, 3, 3, 5}: mean 16 / 6, variance 56 / 6 - (16 / 6)^2.
    groups = table.iloc[:2].assign(deviation=[1.0, 3.5], variance=[1.0, 0.75], num_minibatches=[2, 4])
    assert pooled_z(groups) == pytest.approx((16 / 6) / ((56 / 6 - (16 / 6) ** 2) / 5) ** 0.5, rel=1e-12)


def test_steps_that_help_and_steps_that_do_not_add_up_to_all():
    results = CASES["SGD-6/may"].supporting
    helping, others = (measured_of(name, results) for name in ("may", "every"))
    mean = sum(sum(sample.values) / len(sample.values) for sample in others.samples.values()) / len(others.samples)
    (share,) = helping.samples.values()
    assert sum(share.values) / len(share.values) == pytest.approx(1 - mean)


def measured_of(name, results) -> Evidence:
    (statement,) = (each for each in committed_statements() if each.id == "SGD-6")
    return measured({each.name: each for each in statement.readings}[name], results)
