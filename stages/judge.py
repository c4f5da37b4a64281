"""Decide on every claim from the committed results: `results/verdicts.csv` and, for `dvc metrics diff`, the metrics."""

from pathlib import Path

from dlstudy.claims.registry import CLAIMS
from dlstudy.core.artifacts import write_csv, write_json
from dlstudy.judging.controls import controls
from dlstudy.judging.judgement import control_table, evidence_content, judge, metrics, verdict_table
from dlstudy.study.params import load_study
from dlstudy.study.results import Results

if __name__ == "__main__":
    study = load_study()
    results = Results(Path(), study)
    checks = controls(results)
    judgements = judge(CLAIMS, results, checks, study.judge)
    write_csv(Path("results/verdicts.csv"), verdict_table(judgements))
    write_csv(Path("results/controls.csv"), control_table(checks, study.judge))
    write_json(Path("results/evidence.json"), evidence_content(judgements))
    write_json(Path("metrics/verdicts.json"), metrics(judgements))
