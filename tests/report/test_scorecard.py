"""Statements and readings as the pages show them, from files that the judge writes."""

import json
import re

import pandas as pd
import pytest

from dlstudy.core.base.artifacts import write_csv, write_json
from dlstudy.judging.evidence import Evidence, PerSeed
from dlstudy.judging.judgement import ARM_COLUMNS, judge
from dlstudy.judging.rules import VERDICTS
from dlstudy.judging.statements import readings_of
from dlstudy.judging.tables import answer_table, evidence_content, verdict_table, verdicts_of
from dlstudy.report.scorecard import (
    Judged,
    Section,
    by_verdict,
    citing,
    counts,
    measured,
    sections,
)
from dlstudy.report.words import ANSWER, RELATION, TEMPLATES, rule_words, zh
from dlstudy.study.params import JudgeParams
from dlstudy.study.results import MissingResultError, Results
from tests.committed import committed_statements, committed_study
from tests.judging.support import statement
from tests.measures.support import ROOT, Tables

SETTINGS = JudgeParams(margin=0.5, confidence=0.95)
FIRST = statement("LIN-1", {"a": {}, "b": {"relation": "beyond"}})
SECOND = statement("SOFT-1", {"a": {}}, chapter="softmax")
THIRD = statement("SGD-1", {"a": {"relation": "beyond"}})
MEANS = {"LIN-1/a": 2.0, "LIN-1/b": -2.0, "SOFT-1/a": 0.0, "SGD-1/a": 2.0}


def found(reading, results):
    values = [MEANS[reading.key] + 0.01 * seed for seed in range(10)]
    return Evidence({"": PerSeed(values)}, num_seeds=10, facts={"of": reading.key}, aside={"usual": PerSeed(values)})


@pytest.fixture
def results(tmp_path):
    statements = (FIRST, SECOND, THIRD)
    readings = readings_of(statements)
    judgements = judge(readings, Tables(), found, (), SETTINGS)
    write_csv(tmp_path / "results/verdicts.csv", verdict_table(judgements, {each.key: "fixed" for each in readings}))
    write_csv(tmp_path / "results/answers.csv", answer_table(statements, verdicts_of(judgements)))
    write_csv(tmp_path / "results/arms.csv", pd.DataFrame(columns=list(ARM_COLUMNS)))
    write_json(tmp_path / "results/evidence.json", evidence_content(judgements, SETTINGS))
    (tmp_path / "statements").mkdir()
    (tmp_path / "statements/register.yaml").write_text(
        "- {reason: so, results_seen: true, readings: {LIN-1/a: ''}}\n", encoding="utf-8"
    )
    return Results(tmp_path, committed_study())


# --- The number that decides ---


@pytest.mark.parametrize(
    ("unit", "numbers", "expected"),
    [
        ("measured / predicted", (0.99812345, 0.99112345, 1.00412345), "0.9981 (0.9911 to 1.004)"),
        ("accuracy points", (0.3, 0.1, 0.5), "+0.30 (+0.10 to +0.50)"),
        ("accuracy points", (-0.001, -0.004, 0.002), "+0.00 (+0.00 to +0.00)"),  # not "-0.00"
        ("relative error", (1.25e-13, 1.25e-13, 1.25e-13), "1.25e-13"),
        ("counterexamples", (123456.0, 123456.0, 123456.0), "123,456"),  # not 1.235e+05
        ("dollars", (45678.9, 44000.5, 47000.25), "4.568e+04 (4.4e+04 to 4.7e+04)"),
    ],
)
def test_the_estimate_with_its_interval(unit, numbers, expected):
    assert measured({"unit": unit} | dict(zip(("estimate", "low", "high"), numbers, strict=True))) == expected


@pytest.mark.parametrize(
    ("answer", "verdicts", "expected"),
    [
        ("holds", ("supported", "consistent with"), 0),
        ("conditions", ("supported", "inconclusive", "refuted"), 2),
        ("conditions", ("inconclusive", "supported", "invalid"), 1),  # an undecided one says nothing
        ("conditions", ("supported", "depends"), 1),
        ("does_not_hold", ("refuted", "refuted"), 0),
        ("open", ("inconclusive", "invalid"), 0),
    ],
)
def test_the_number_of_an_answer_is_of_a_reading_that_it_turns_on(answer, verdicts, expected):
    of = statement("LIN-1", {name: {} for name in "abc"[: len(verdicts)]})
    readings = tuple(
        Judged(reading, {"verdict": verdict}, {}, SETTINGS)
        for reading, verdict in zip(of.readings, verdicts, strict=True)
    )
    assert Section(of, answer, readings).deciding is readings[expected]


# --- Statements ---


def test_a_section_has_the_answer_its_sentence_and_what_its_text_needs(results):
    first, second, third = sections(results, (FIRST, SECOND, THIRD))
    assert first.answer == "holds"
    assert first.sentence("en") == "So it is: +2.04 (+2.02 to +2.07)."
    assert first.sentence("zh") == "So it is: +2.04 (+2.02 至 +2.07)."
    assert first.evidence("facts") == {"a": {"of": "LIN-1/a"}, "b": {"of": "LIN-1/b"}}
    assert first.evidence("conditions")["a"][""]["verdict"] == "supported"
    assert first.evidence("aside")["a"]["usual"]["verdict"] == "supported"
    assert ([each.key for each in first.asserted], [each.key for each in first.beyond]) == (["LIN-1/a"], ["LIN-1/b"])
    assert (second.answer, second.link) == ("does_not_hold", "softmax_regression.md#soft-1")
    assert third.answer == "further"


def test_the_headline_counts_statements_of_the_note(results):
    first, second, third = sections(results, (FIRST, SECOND, THIRD))
    assert counts(each.answer for each in (first, second)) == {"holds": 1, "does_not_hold": 1}
    assert [bool(each.statement.asserted) for each in (first, second, third)] == [True, True, False]


def test_readings_come_refuted_first_and_keep_their_order(results):
    rows = [each for section in sections(results, (FIRST, SECOND, THIRD)) for each in section.readings]
    assert [each.key for each in by_verdict(rows)] == ["LIN-1/b", "SOFT-1/a", "LIN-1/a", "SGD-1/a"]
    assert counts(each.verdict for each in rows) == {"refuted": 2, "supported": 2}
    assert (rows[0].relation("en"), rows[0].relation("zh")) == ("the note says it", "笔记所说")
    assert [entry.reason for entry in rows[0].entries] == ["so"]
    assert rows[0].moves == {}


@pytest.mark.parametrize("name", ["verdicts.csv", "evidence.json", "answers.csv", "arms.csv"])
def test_a_missing_file_is_named(results, name):
    (results.root / "results" / name).unlink()
    with pytest.raises(MissingResultError, match=f"results/{name}: expected the result of stage judge"):
        sections(results, (FIRST,))


def test_a_reading_that_has_not_been_judged_is_named(results):
    more = statement("LIN-2", {"a": {}})
    with pytest.raises(MissingResultError, match="expected a verdict on LIN-2/a, found none; run `dvc repro`"):
        sections(results, (more,))


# --- Citations ---


def test_a_citation_links_and_says_where_the_verdict_has_moved(results):
    cites = citing(sections(results, (FIRST, SECOND)))
    assert cites("LIN-1/a", "supported") == "[LIN-1/a](linear_regression.md#lin-1-a)"
    assert "(here: refuted; this text was written for supported)" in cites("SOFT-1/a", "supported")


def test_no_text_leans_on_a_verdict_that_has_moved():
    statements = committed_statements()
    texts = [body for each in statements for body in each.bodies.values()]
    texts += [path.read_text(encoding="utf-8") for path in TEMPLATES.rglob("*.j2")]
    cited = [call for text in texts for call in re.findall(r'cites\("([^"]+)", "([^"]+)"\)', text)]
    verdicts = json.loads((ROOT / "results/verdicts.json").read_text(encoding="utf-8"))
    assert len(cited) >= 4
    assert [(key, verdict) for key, verdict in cited if verdicts[key] != verdict] == []


# --- Words ---


def test_everything_has_its_word_in_both_languages():
    assert len({zh(verdict) for verdict in VERDICTS} - set(VERDICTS)) == len(VERDICTS)
    assert set(ANSWER["en"]) == set(ANSWER["zh"])
    assert set(RELATION["en"]) == set(RELATION["zh"])


def test_every_committed_rule_is_a_sentence_in_both_languages_with_the_same_numbers():
    for reading in readings_of(committed_statements()):
        english, chinese = (rule_words(reading.en.rule, SETTINGS, language) for language in ("en", "zh"))
        assert "{" not in english + chinese
        threshold = reading.en.rule.threshold
        if threshold is not None and reading.en.rule.quantifier != "total":
            assert f"{threshold:g}" in english, reading.key
            assert f"{threshold:g}" in chinese, reading.key


def numbers(text):
    return sorted(re.findall(r"\d[\d.,]*\d|\d", text))


def test_both_languages_say_the_same_numbers():
    committed = Results(ROOT, committed_study())
    for section in sections(committed, committed_statements(timed=False)):
        assert numbers(section.sentence("en")) == numbers(section.sentence("zh")), section.statement.id
        for each in section.readings:
            assert numbers(each.reading.en.tested) == numbers(each.reading.zh.tested), each.key
