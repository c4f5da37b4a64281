"""Verdicts as the pages tell them, from files that the judge has written."""

from dataclasses import replace

import pytest

from dlstudy.core.artifacts import write_csv, write_json
from dlstudy.judging.core import VERDICTS, Claim, Decision, Evidence, Literature, Statement, Text
from dlstudy.judging.judgement import Judgement, evidence_content, verdict_table
from dlstudy.report.scorecard import IN_CHINESE, PAGE_OF, counts, measured, readings, scorecard, sections
from dlstudy.study.params import load_study
from dlstudy.study.results import MissingResultError, Results
from tests.claims.support import ROOT


def claim(key: str, chapter="linear", unit="ratio") -> Claim:
    statement, _, reading = key.partition("/")
    text = Text("It is so.", "如此。")
    return Claim(
        statement=Statement(statement, chapter, text),
        reading=reading,
        tested=text,
        kind="prediction",
        quantifier="always",
        unit=unit,
        rule=None,
        literature=Literature("known", "somebody, 1900"),
        would_change="other evidence",
        data=("results/shared.csv", f"results/{statement}.csv"),
        measure=None,
    )


FIRST, SECOND, THIRD = claim("LIN-1/a"), claim("LIN-1/b"), claim("LIN-2")
FOURTH, FIFTH = claim("SGD-3/a"), claim("SOFT-1", "softmax", "accuracy points")
CLAIMS = (FIRST, SECOND, THIRD, FOURTH, FIFTH)


def judgement(of: Claim, verdict: str, elsewhere: str | None = None, facts=None) -> Judgement:
    reasons = ("a guard failed",) if verdict == "invalid" else ()
    decision = Decision(verdict, 0.998, 0.991, 1.004, 0.05, "B = 16", 0.01, reasons)
    evidence = Evidence({"x": [1.0]}, num_seeds=10, facts=facts or {"share": 0.25})
    return Judgement(of, evidence, decision, 0.02, {0.25: elsewhere or verdict, 1.0: verdict})


JUDGED = (
    judgement(FIRST, "supported", facts={"gain": 0.1}),
    judgement(SECOND, "refuted", "supported", facts={"gain": 0.2}),
    judgement(THIRD, "consistent with"),
    judgement(FOURTH, "invalid"),
    judgement(FIFTH, "refuted"),
)


def written(root, judgements) -> Results:
    write_csv(root / "results" / "verdicts.csv", verdict_table(judgements))
    write_json(root / "results" / "evidence.json", evidence_content(judgements))
    return Results(root, load_study(ROOT / "params.yaml"))


@pytest.fixture
def found(tmp_path):
    return readings(written(tmp_path, JUDGED), CLAIMS)


# --- The number that decides ---


@pytest.mark.parametrize(
    ("unit", "numbers", "expected"),
    [
        ("measured / predicted", (0.998, 0.991, 1.004), "0.998 (0.991 to 1.004)"),
        ("measured / predicted", (0.99812345, 0.99112345, 1.00412345), "0.9981 (0.9911 to 1.004)"),
        ("accuracy points", (0.3, 0.1, 0.5), "+0.30 (+0.10 to +0.50)"),
        ("accuracy points", (-1.234, -2.0, 0.006), "-1.23 (-2.00 to +0.01)"),
        ("accuracy points", (0.0, 0.0, 0.0), "+0.00"),
        ("accuracy points", (-0.001, -0.004, 0.002), "+0.00 (+0.00 to +0.00)"),  # not "-0.00"
        ("accuracy points", (0.5, 0.5, 0.5), "+0.50"),
        ("relative error", (1.25e-13, 1.25e-13, 1.25e-13), "1.25e-13"),
        ("counterexamples", (0.0, 0.0, 0.0), "0"),
        ("counterexamples", (123456.0, 123456.0, 123456.0), "123,456"),  # not 1.235e+05
        ("parameters", (138357544, 138357544, 138357544), "138,357,544"),
        ("share", (1.0, 1.0, 1.0), "1"),
        ("dollars", (45678.9, 44000.5, 47000.25), "4.568e+04 (4.4e+04 to 4.7e+04)"),
        ("ratio", (1e300, 1e300, 1e300), "1e+300"),
    ],
)
def test_the_estimate_with_its_interval(unit, numbers, expected):
    assert measured({"unit": unit} | dict(zip(("estimate", "low", "high"), numbers, strict=True))) == expected


def test_a_reading_tells_its_number(found):
    assert found[0].measured == "0.998 (0.991 to 1.004)"
    assert found[4].measured == "+1.00 (+0.99 to +1.00)"


# --- Readings ---


def test_a_reading_has_all_that_was_written_of_its_claim(found):
    assert [each.claim for each in found] == list(CLAIMS)
    second = found[1]
    assert (second.verdict, second.where, second.reasons) == ("refuted", "B = 16", ())
    assert (second.p_value, second.adjusted_p, second.facts) == (0.01, 0.02, {"gain": 0.2})
    assert (second.row["num_seeds"], second.row["flips"]) == (10, "at 0.25")
    assert second.at_other_margins == {"0.25": "supported", "1": "refuted"}
    assert second.flips == {"0.25": "supported"}
    assert found[0].flips == {}
    assert found[3].reasons == ("a guard failed",)


def test_readings_come_in_the_order_of_the_claims_not_of_the_file(tmp_path):
    results = written(tmp_path, JUDGED[::-1])
    assert [each.claim.key for each in readings(results, CLAIMS)] == [each.key for each in CLAIMS]


def test_a_verdict_on_no_claim_is_left_out(tmp_path):
    assert [each.claim for each in readings(written(tmp_path, JUDGED), (THIRD,))] == [THIRD]


def test_a_claim_that_has_not_been_judged_is_named(tmp_path):
    results = written(tmp_path, JUDGED[:2])
    with pytest.raises(MissingResultError, match="expected a verdict on LIN-2, found none; run `dvc repro`"):
        readings(results, CLAIMS)


def test_a_claim_without_evidence_is_named_with_the_file(tmp_path):
    results = written(tmp_path, JUDGED)
    write_json(tmp_path / "results" / "evidence.json", evidence_content(JUDGED[:3]))
    with pytest.raises(MissingResultError, match=r"results/evidence.json: expected evidence on SGD-3/a"):
        readings(results, CLAIMS)


@pytest.mark.parametrize("name", ["verdicts.csv", "evidence.json"])
def test_a_missing_file_is_named(tmp_path, name):
    results = written(tmp_path, JUDGED)
    (tmp_path / "results" / name).unlink()
    with pytest.raises(MissingResultError, match=f"results/{name}: expected the result of stage judge"):
        readings(results, CLAIMS)


def test_a_reading_is_linked_to_its_place_on_the_page_of_its_chapter(found):
    assert found[1].link == "linear_regression.md#lin-1-b"
    assert found[4].link == "softmax_regression.md#soft-1"


# --- Scorecard, sections, counts ---


def test_what_was_refuted_comes_first_and_statements_keep_their_order(found):
    assert [each.claim.key for each in scorecard(found)] == ["LIN-1/b", "SOFT-1", "SGD-3/a", "LIN-1/a", "LIN-2"]


def test_the_scorecard_is_in_the_order_of_verdicts_and_loses_none(tmp_path):
    claims = [claim(f"LIN-{number}") for number in range(10)]
    judgements = [judgement(each, VERDICTS[3 * number % 5]) for number, each in enumerate(claims)]
    ordered = scorecard(readings(written(tmp_path, judgements), claims))
    assert [each.verdict for each in ordered] == [verdict for verdict in VERDICTS for _ in range(2)]
    assert sorted(each.claim.key for each in ordered) == [each.key for each in claims]
    pairs = zip(ordered[::2], ordered[1::2], strict=True)
    assert all(one.claim.key < other.claim.key for one, other in pairs)


def test_a_section_is_a_statement_with_its_readings(found):
    linear = sections(found, "linear")
    assert [each.statement.id for each in linear] == ["LIN-1", "LIN-2", "SGD-3"]
    first = linear[0]
    assert [each.claim for each in first.readings] == [FIRST, SECOND]
    assert first.facts == {"a": {"gain": 0.1}, "b": {"gain": 0.2}}
    assert first.rows["b"]["verdict"] == "refuted"
    assert first.rows["b"]["where"] == "B = 16"
    assert first.data == ["results/shared.csv", "results/LIN-1.csv"]
    assert first.anchor == "lin-1"
    assert linear[1].facts == {"": {"share": 0.25}}


def test_every_reading_is_in_one_section(found):
    told = [each.claim for chapter in PAGE_OF for section in sections(found, chapter) for each in section.readings]
    assert told == list(CLAIMS)
    assert sections(found, "perceptron") == []


def test_readings_of_a_statement_are_gathered_even_if_another_stands_between(found):
    mixed = [found[0], found[2], found[1]]
    assert [[each.claim for each in section.readings] for section in sections(mixed, "linear")] == [
        [FIRST, SECOND],
        [THIRD],
    ]


def test_counts_are_of_the_verdicts_that_occur_in_the_order_of_the_scorecard(found):
    assert list(counts(found).items()) == [("refuted", 2), ("invalid", 1), ("supported", 1), ("consistent with", 1)]
    assert counts([]) == {}


def test_every_verdict_has_its_word_in_chinese():
    assert set(IN_CHINESE) == set(VERDICTS)
    assert len(set(IN_CHINESE.values())) == len(VERDICTS)


def test_a_reading_is_frozen(found):
    assert replace(found[0], where="elsewhere").where == "elsewhere"
    with pytest.raises(AttributeError):
        found[0].where = "elsewhere"
