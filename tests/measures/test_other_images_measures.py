"""What measures find where the study is about other images than the published figures."""

from dataclasses import replace

import pytest

from dlstudy.literature.published import load_published
from dlstudy.measures.find import measured
from tests.committed import committed_statements
from tests.measures import cases_sgd, cases_signal
from tests.measures.support import CLOTHING, DIGITS

BY_KEY = {each.key: each for statement in committed_statements() for each in statement.readings}


def facts(key, results, data_facts):
    return measured(BY_KEY[key], replace(results, data_facts=data_facts)).facts


def test_published_dead_units_stand_beside_those_of_the_same_images_alone():
    results = cases_signal.CASES["ACT-10/he"].supporting
    published = load_published().dead_units
    same, other = (facts("ACT-10/he", results, each) for each in (CLOTHING, DIGITS))
    assert (same["published_dead"], same["published_source"]) == (list(published.shares), published.source)
    assert (other["published_dead"], other["published_source"]) == ([], "")
    assert same["dead"] == other["dead"]  # ours


@pytest.mark.parametrize(("data_facts", "place"), [(CLOTHING, "Fashion-MNIST, W = 0"), (DIGITS, "MNIST, W = 0")])
def test_the_critical_rate_of_softmax_is_told_with_the_name_of_the_images(data_facts, place):
    results = replace(cases_sgd.CASES["SGD-3/softmax"].supporting, data_facts=data_facts)
    assert list(measured(BY_KEY["SGD-3/softmax"], results).samples) == [place]
    assert list(measured(BY_KEY["SGD-3/linear"], results).samples) == ["Ames sales"]
