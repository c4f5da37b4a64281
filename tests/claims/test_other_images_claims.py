"""What claims tell where the study is about other images than the published figures."""

from dataclasses import replace

import pytest

from dlstudy.claims.registry import CLAIMS
from dlstudy.literature.published import load_published
from tests.claims import cases_sgd, cases_signal
from tests.claims.support import CLOTHING, DIGITS

BY_KEY = {claim.key: claim for claim in CLAIMS}


def facts(key, results, data_facts):
    return BY_KEY[key].measure(replace(results, data_facts=data_facts)).facts


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
    assert list(BY_KEY["SGD-3/softmax"].measure(results).samples) == [place]
    assert list(BY_KEY["SGD-3/linear"].measure(results).samples) == ["Ames sales"]
