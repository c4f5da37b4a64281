"""Decide on every reading from the committed results, and so on every statement."""

import sys
from pathlib import Path

from dlstudy.core.base.artifacts import write_csv, write_json
from dlstudy.core.base.params import PARAMS_FILE, read_yaml
from dlstudy.judging.judgement import arm_table, complaint, controls, judge
from dlstudy.judging.register import load_register, registration
from dlstudy.judging.statements import load_statements, readings_of
from dlstudy.judging.tables import (
    a_a_controls,
    answer_table,
    control_table,
    evidence_content,
    metrics,
    verdict_table,
    verdicts_of,
)
from dlstudy.measures.find import measured
from dlstudy.study.params import load_study
from dlstudy.study.results import Results, versions

if __name__ == "__main__":
    statements, register = load_statements(timed=False), load_register()
    study, params = load_study(), read_yaml(PARAMS_FILE)
    results = Results(Path(), study)
    readings, checks = readings_of(statements), controls(results)
    judgements = judge(readings, results, measured, checks, study.judge)
    verdicts = verdicts_of(judgements)
    registrations = {each.key: registration(each, register, params) for each in readings}
    write_csv(Path("results/verdicts.csv"), verdict_table(judgements, registrations))
    write_csv(Path("results/answers.csv"), answer_table(statements, verdicts))
    write_csv(Path("results/arms.csv"), arm_table(readings, results, measured))
    write_csv(Path("results/controls.csv"), control_table((*checks, *a_a_controls(judgements)), study.judge))
    write_csv(Path("results/versions.csv"), versions(Path("requirements.txt")))
    write_json(Path("results/evidence.json"), evidence_content(judgements, study.judge))
    write_json(Path("results/verdicts.json"), verdicts)
    write_json(Path("metrics/verdicts.json"), metrics(statements, verdicts))
    for control in checks:
        if why := complaint(control, study.judge):
            print(f"warning: {why}", file=sys.stderr)
