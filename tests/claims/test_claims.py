"""Each claim by results that support it and results that do not, found in the modules cases_*.py beside this one."""

import importlib
from pathlib import Path

import pytest

from dlstudy.claims import cost
from dlstudy.claims.registry import CLAIMS
from dlstudy.study.results import MissingResultError
from tests.claims.support import Case, Tables

MODULES = sorted(path.stem for path in Path(__file__).parent.glob("cases_*.py"))
CASES: dict[str, Case] = {}
for name in MODULES:
    CASES |= importlib.import_module(f"tests.claims.{name}").CASES
BY_KEY = {claim.key: claim for claim in (*CLAIMS, *cost.CLAIMS)}


def verdict_of(claim, results):
    evidence = claim.measure(results)
    return "invalid" if evidence.faults else claim.rule.decide(evidence, results.study.judge).verdict


def test_every_claim_has_its_cases_and_every_case_its_claim():
    assert sorted(CASES) == sorted(BY_KEY)


def test_a_claim_is_judged_apart_if_it_hangs_on_a_clock_and_only_then():
    assert {claim.kind for claim in cost.CLAIMS} == {"timing"}
    assert "timing" not in {claim.kind for claim in CLAIMS}


@pytest.mark.parametrize("key", CASES)
def test_a_claim_is_supported_by_evidence_for_it(key):
    assert verdict_of(BY_KEY[key], CASES[key].supporting) in ("supported", "consistent with")


@pytest.mark.parametrize("key", CASES)
def test_a_claim_is_not_supported_by_evidence_against_it(key):
    case = CASES[key]
    assert case.contrary_verdict in ("refuted", "inconclusive", "invalid")
    assert verdict_of(BY_KEY[key], case.contrary) == case.contrary_verdict


def is_missed(claim):
    try:
        claim.measure(Tables())
    except MissingResultError:
        return True
    return False


def test_missing_evidence_is_an_error_not_a_verdict():
    assert [key for key, claim in BY_KEY.items() if not is_missed(claim)] == []


def test_evidence_has_samples_under_every_condition():
    samples = {key: claim.measure(CASES[key].supporting).samples for key, claim in BY_KEY.items()}
    assert [key for key, found in samples.items() if not found or not all(map(len, found.values()))] == []


def test_few_seeds_that_find_one_minimum_refute_nothing():
    few = importlib.import_module("tests.claims.cases_linear").no_closed_form(losses=(0.1, 0.1))
    assert verdict_of(BY_KEY["LIN-5"], few) == "invalid"
