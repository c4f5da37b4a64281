"""Decide on the statements that depend on wall-clock time, draw their figure and write their page."""

from pathlib import Path

from dlstudy.core.base.artifacts import write_csv, write_json, write_text
from dlstudy.core.base.params import PARAMS_FILE, read_yaml
from dlstudy.figures.style import draw
from dlstudy.figures.verdicts import cost_figures
from dlstudy.judging.judgement import judge
from dlstudy.judging.register import load_register, registration
from dlstudy.judging.statements import load_statements, readings_of
from dlstudy.judging.tables import answer_table, evidence_content, verdict_table, verdicts_of
from dlstudy.measures.find import measured
from dlstudy.report.pages import cost_pages
from dlstudy.study.params import load_study
from dlstudy.study.results import TIMING, TimingResults

if __name__ == "__main__":
    statements, register = load_statements(timed=True), load_register()
    study, params = load_study(), read_yaml(PARAMS_FILE)
    results = TimingResults(Path(), study)
    readings = readings_of(statements)
    judgements = judge(readings, results, measured, (), study.judge)
    verdicts = verdicts_of(judgements)
    registrations = {each.key: registration(each, register, params) for each in readings}
    write_csv(TIMING / "verdicts.csv", verdict_table(judgements, registrations))
    write_csv(TIMING / "answers.csv", answer_table(statements, verdicts))
    write_json(TIMING / "evidence.json", evidence_content(judgements, study.judge))
    write_json(TIMING / "verdicts.json", verdicts)
    draw(Path("reports/timing"), cost_figures(results))
    for name, text in cost_pages(results, statements):
        write_text(Path("reports") / name, text)
