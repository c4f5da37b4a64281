"""The worked example of CONTRIBUTING.md ("Add a statement") works as it is printed there."""

import re
from pathlib import Path

import pytest

from dlstudy.judging.judgement import judge
from dlstudy.judging.statements import load_statements
from dlstudy.judging.tables import answer, evidence_content, verdict_table, verdicts_of
from dlstudy.measures import outputs
from dlstudy.measures.find import measured
from dlstudy.report.markdown import with_bodies
from dlstudy.report.scorecard import Judged, Section, citing
from dlstudy.study.results import Results
from tests.committed import committed_study

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
SECTION = re.search(r"^## Add a statement$(.*?)^## ", TEXT, re.DOTALL | re.MULTILINE)
assert SECTION
ENGLISH, CHINESE, MEASURE, CASES_CODE = re.findall(r"^```\w+\n(.*?)^```$", SECTION[1], re.DOTALL | re.MULTILINE)


def executed(code):
    names = {}
    exec(compile(code, "CONTRIBUTING.md", "exec"), names)
    return names


@pytest.fixture(scope="module")
def statement(tmp_path_factory):
    folder = tmp_path_factory.mktemp("statements")
    (folder / "OWN-1.md").write_text(ENGLISH, encoding="utf-8")
    (folder / "OWN-1.zh.md").write_text(CHINESE, encoding="utf-8")
    (found,) = load_statements(folder)
    return found


@pytest.fixture(autouse=True)
def measure(monkeypatch):
    monkeypatch.setattr(outputs, "hidden_against_linear", executed(MEASURE)["hidden_against_linear"], raising=False)


@pytest.fixture(scope="module")
def case():
    (case,) = executed(CASES_CODE)["CASES"].values()
    return case


@pytest.fixture(scope="module")
def results():
    return Results(ROOT, committed_study())


def judged(statement, results):
    (judgement,) = judge(statement.readings, results, measured, [], results.study.judge)
    return judgement


def test_its_cases_have_the_verdicts_they_are_made_for(statement, case):
    assert judged(statement, case.supporting).decision.verdict == "supported"
    assert judged(statement, case.contrary).decision.verdict == case.contrary_verdict


def test_it_is_judged_and_answered_by_the_committed_results(statement, results):
    judgement = judged(statement, results)
    (row,) = verdict_table([judgement], {"OWN-1": ""}).to_dict("records")
    assert (row["id"], row["outcome"], row["num_seeds"]) == ("OWN-1", "better", 10)
    assert answer(statement, verdicts_of([judgement])) == "holds"


def test_its_page_renders_in_the_frame(statement, results):
    judgement = judged(statement, results)
    (row,) = verdict_table([judgement], {"OWN-1": "fixed before its evidence"}).to_dict("records")
    evidence = evidence_content([judgement], results.study.judge)["OWN-1"]
    section = Section(statement, "holds", (Judged(statement.readings[0], row, evidence, results.study.judge),))
    context = {"sections": [section], "settings": results.study.judge, "cites": citing([section])}
    jinja = with_bodies((statement,))
    text, chinese = (jinja.get_template(f"{folder}_chapter.md.j2").render(context) for folder in ("", "zh/"))
    assert "trained with each of 10 seeds" in text
    assert "ahead with 10 of them" in text
    assert "加一个隐藏层" in chinese
    assert "各用 10 个种子训练" in chinese
    assert "其中 10 个种子" in chinese
    assert "**Yes: by +3." in text
    assert "Registration: fixed before its evidence." in text
    assert "[per_seed.csv](../results/evaluation/mlp_relu/per_seed.csv)" in text
