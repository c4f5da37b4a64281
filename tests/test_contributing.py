"""The worked example of CONTRIBUTING.md ("Add your own claim") works as it is printed there."""

import re
from pathlib import Path

import pytest
from jinja2 import ChoiceLoader, DictLoader

from dlstudy.judging.judgement import judge, verdict_table
from dlstudy.report.markdown import environment
from dlstudy.report.scorecard import Reading, sections
from dlstudy.study.params import load_study
from dlstudy.study.results import Results

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
SECTION = re.search(r"^## Add your own claim$(.*?)^## ", TEXT, re.DOTALL | re.MULTILINE)
assert SECTION
CLAIM_CODE, PAGE, CASES_CODE = re.findall(r"^```\w+\n(.*?)^```$", SECTION[1], re.DOTALL | re.MULTILINE)


def executed(code):
    names = {}
    exec(compile(code, "CONTRIBUTING.md", "exec"), names)
    return names


@pytest.fixture(scope="module")
def claim():
    return executed(CLAIM_CODE)["CLAIM"]


@pytest.fixture(scope="module")
def case():
    (case,) = executed(CASES_CODE)["CASES"].values()
    return case


@pytest.fixture(scope="module")
def results():
    return Results(ROOT, load_study(ROOT / "params.yaml"))


def judged(claim, results):
    (judgement,) = judge([claim], results, [], results.study.judge)
    return judgement


def test_its_cases_have_the_verdicts_they_are_made_for(claim, case):
    assert judged(claim, case.supporting).decision.verdict == "supported"
    assert judged(claim, case.contrary).decision.verdict == case.contrary_verdict


def test_it_is_judged_by_the_committed_results(claim, results):
    (row,) = verdict_table([judged(claim, results)]).to_dict("records")
    assert row["id"] == "OWN-1"
    assert row["num_seeds"] == 10
    assert row["low"] <= row["estimate"] <= row["high"]


def test_its_page_renders_in_the_frame(claim, results):
    judgement = judged(claim, results)
    (row,) = verdict_table([judgement]).to_dict("records")
    reading = Reading(claim, row, "", (), None, None, {}, dict(judgement.evidence.facts))
    jinja = environment()
    jinja.loader = ChoiceLoader([DictLoader({"claims/OWN-1.md.j2": PAGE}), jinja.loader])
    context = {"sections": sections([reading], "perceptron"), "settings": results.study.judge}
    text = jinja.get_template("_chapter.md.j2").render(context)
    assert "trained with each of 10 seeds" in text
    assert "ahead with 10 of them" in text
    assert "加一个隐藏层" in text
    assert "**supported**" in text
    assert "[per_seed.csv](../results/evaluation/mlp_relu/per_seed.csv)" in text
