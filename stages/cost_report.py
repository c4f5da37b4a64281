"""Decide on the claims that depend on wall-clock time, draw their figure and write their page."""

from pathlib import Path

from dlstudy.claims.cost import CLAIMS
from dlstudy.core.artifacts import write_csv, write_json, write_text
from dlstudy.figures.cost import figures
from dlstudy.figures.style import draw
from dlstudy.judging.judgement import evidence_content, judge, metrics, verdict_table
from dlstudy.report.cost import PAGE, cost_page
from dlstudy.study.params import load_study
from dlstudy.study.results import TIMING, TimingResults

if __name__ == "__main__":
    results = TimingResults(Path(), load_study())
    judgements = judge(CLAIMS, results, (), results.study.judge)
    write_csv(TIMING / "verdicts.csv", verdict_table(judgements))
    write_json(TIMING / "evidence.json", evidence_content(judgements))
    write_json(TIMING / "verdicts.json", metrics(judgements))
    draw(Path("reports/timing"), figures(results))
    write_text(Path("reports") / PAGE, cost_page(results))
