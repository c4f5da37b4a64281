"""Each reading by results that support it and results that do not, found in the modules cases_*.py beside this one."""

import importlib
from functools import cache
from pathlib import Path

import pytest

from dlstudy.judging.evidence import Evidence
from dlstudy.judging.rules import decide
from dlstudy.judging.statements import readings_of
from dlstudy.measures.find import measured
from dlstudy.study.results import MissingResultError
from tests.committed import committed_statements
from tests.measures.support import Case, Tables

MODULES = sorted(path.stem for path in Path(__file__).parent.glob("cases_*.py"))
CASES: dict[str, Case] = {}
for name in MODULES:
    CASES |= importlib.import_module(f"tests.measures.{name}").CASES
STATEMENTS = committed_statements()
BY_KEY = {each.key: each for statement in STATEMENTS for each in statement.readings}


@cache
def supporting(key):
    """The evidence for a reading, measured once."""
    return measured(BY_KEY[key], CASES[key].supporting)


def verdict_of(reading, results):
    return verdict_on(reading, measured(reading, results), results)


def verdict_on(reading, evidence, results):
    return "invalid" if evidence.faults else decide(evidence, reading.en.rule, results.study.judge).verdict


def test_every_reading_has_its_cases_and_every_case_its_reading():
    assert sorted(CASES) == sorted(BY_KEY)


def test_a_reading_is_judged_apart_if_it_depends_on_the_clock_and_only_then():
    timed, others = (readings_of(committed_statements(timed=timed)) for timed in (True, False))
    assert {each.en.kind for each in timed} == {"timing"}
    assert "timing" not in {each.en.kind for each in others}


@pytest.mark.parametrize("key", CASES)
def test_a_reading_is_supported_by_evidence_for_it(key):
    found = verdict_on(BY_KEY[key], supporting(key), CASES[key].supporting)
    assert found in ("supported", "consistent with")


@pytest.mark.parametrize("key", CASES)
def test_a_reading_is_not_supported_by_evidence_against_it(key):
    case = CASES[key]
    assert case.contrary_verdict in ("refuted", "depends", "inconclusive", "invalid")
    assert verdict_of(BY_KEY[key], case.contrary) == case.contrary_verdict


def is_missed(reading):
    try:
        measured(reading, Tables())
    except MissingResultError:
        return True
    return False


def test_missing_evidence_is_an_error_not_a_verdict():
    assert [key for key, reading in BY_KEY.items() if not is_missed(reading)] == []


def test_evidence_has_samples_under_every_condition():
    found = {key: supporting(key) for key in BY_KEY}
    assert [key for key, each in found.items() if not isinstance(each, Evidence) or not each.samples] == []


def test_few_seeds_that_find_one_minimum_refute_nothing():
    few = importlib.import_module("tests.measures.cases_linear").no_closed_form(losses=(0.1, 0.1))
    assert verdict_of(BY_KEY["LIN-5"], few) == "invalid"


# --- What the first edition's measures or rules got wrong ---


def test_a_signal_that_vanishes_under_one_initialisation_alone_depends_on_it():
    assert verdict_of(BY_KEY["ACT-9/vanishing"], CASES["ACT-9/vanishing"].contrary) == "depends"


def test_one_threshold_serves_every_activation():
    keys = ["ACT-8/vanishing", "ACT-9/vanishing", "ACT-9/xavier", "ACT-10/pytorch", "ACT-10/he"]
    assert {BY_KEY[key].en.rule.threshold for key in keys} == {0.8}


def test_a_class_that_is_never_predicted_is_lost_as_one_whose_output_is_always_0():
    outputs = importlib.import_module("tests.measures.cases_outputs")
    never_predicted = outputs.results(num_dead=0, num_lost=1)
    assert verdict_of(BY_KEY["ACT-4/dead"], never_predicted) == "supported"


def test_every_classifier_with_all_seeds_is_judged_and_the_others_are_shown():
    softmax = importlib.import_module("tests.measures.cases_softmax")
    evidence = measured(BY_KEY["SOFT-5/scaled"], softmax.calibrated())
    shown = [row["model"] for row in evidence.facts["models"]]
    assert set(evidence.samples) == set(softmax.MODELS)
    assert shown == [*softmax.MODELS, *softmax.NETWORKS]
    assert evidence.facts["shown_only"] == softmax.NETWORKS


def test_networks_of_one_family_are_a_cluster():
    """Forty networks of two families tell no more about a third family than two networks do."""
    census = importlib.import_module("tests.measures.cases_census")
    evidence = measured(BY_KEY["ACT-1/stock"], census.CASES["ACT-1/stock"].supporting)
    (sample,) = evidence.samples.values()
    builders = census.CASES["ACT-1/stock"].supporting.experiment("census", "builders")
    assert len(sample.nums) == builders["family"].nunique()


def test_a_network_that_its_budget_stopped_shows_the_budget_and_decides_nothing():
    torchvision = importlib.import_module("tests.measures.cases_torchvision")
    stopped = torchvision.stopped_early()
    assert verdict_of(BY_KEY["TV-2/trained"], stopped) == "invalid"
    assert "stopped by its budget" in measured(BY_KEY["TV-2/trained"], stopped).faults[0]
