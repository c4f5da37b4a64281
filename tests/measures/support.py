"""Results made up for tests of claims."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from dlstudy.study.params import StudyParams
from dlstudy.study.results import MissingResultError, Results
from tests.committed import committed_study

ROOT = Path(__file__).resolve().parents[2]
CLOTHING = {"images": {"dataset": "FashionMNIST", "name": "Fashion-MNIST"}}  # what claims ask of the data sheets
DIGITS = {"images": {"dataset": "MNIST", "name": "MNIST"}}


@dataclass(frozen=True)
class Tables(Results):
    """Results in memory: what a test does not give is missing.

    experiments: {("sgd_theory", "variance"): table}; experiment facts: {"sgd_theory": {...}};
    timings: {("activation_cost", "kernels"): table}; models: {("mlp_relu", "per_seed"): table};
    data_facts: {"housing": {...}}; ladders: {("relu", "per_seed"): table}.
    """

    root: Path = ROOT
    study: StudyParams = field(default_factory=committed_study)
    experiments: Mapping[tuple[str, str], pd.DataFrame] = field(default_factory=dict)
    facts_of: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    models: Mapping[tuple[str, str], pd.DataFrame] = field(default_factory=dict)
    data_facts: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    timings: Mapping[tuple[str, str], pd.DataFrame] = field(default_factory=dict)
    ladders: Mapping[tuple[str, str], pd.DataFrame] = field(default_factory=dict)

    def experiment(self, name, table):
        return _given(self.experiments, (name, table))

    def experiment_facts(self, name):
        return _given(self.facts_of, name)

    def ladder(self, name, table):
        return _given(self.ladders, (name, table))

    def timing(self, name, table):
        return _given(self.timings, (name, table))

    def table(self, model, name):
        return _given(self.models, (model, name))

    def facts(self, data):
        return _given(self.data_facts, data)


def _given(content, key):
    if key not in content:
        raise MissingResultError(f"{key}: expected in the results of this test, found none")
    return content[key]


class Case(NamedTuple):
    """For one claim: results that support it, and results that do not, with the verdict they give."""

    supporting: Results
    contrary: Results
    contrary_verdict: str = "refuted"
