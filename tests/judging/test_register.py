"""The register: no rule changes without an entry that says why, and whether results had been seen."""

import pytest

from dlstudy.core.base.params import ParamsError, read_yaml
from dlstudy.judging.register import (
    FIXED,
    UNREGISTERED,
    Entry,
    entries_of,
    fingerprint,
    load_register,
    protocol_of,
    registration,
    unregistered,
)
from tests.committed import committed_statements
from tests.judging.support import one
from tests.measures.support import ROOT
from tools import register as tool

PARAMS = {"experiments": {"losses": {"num_epochs": 5}, "census": {}}, "ladder": {"protocol": {"width": 64}}}


def test_every_committed_rule_is_the_last_one_registered():
    readings = [each for statement in committed_statements() for each in statement.readings]
    changed = unregistered(readings, load_register(ROOT / "statements/register.yaml"), read_yaml(ROOT / "params.yaml"))
    assert changed == {}, 'python -m tools.register --reason "..." [--seen]'


DROPPED = {"ACT-12/depth_4", "ACT-12/depth_8", "ACT-12/depth_16", "ACT-16/start", "ACT-16/others"}
"""Readings that were dropped stay dropped: their names are never used again."""


def test_every_entry_is_about_readings_that_there_are_or_were():
    keys = {each.key for statement in committed_statements() for each in statement.readings}
    named = {key for entry in load_register(ROOT / "statements/register.yaml") for key in entry.readings}
    assert named - keys == DROPPED


@pytest.mark.parametrize("key", ["ACT-3/literal", "SOFT-3/mlp", "ACT-6/better", "MLP-1/accuracy", "ACT-5/depth_8"])
def test_what_the_first_edition_changed_after_its_results_is_on_record(key):
    register = load_register(ROOT / "statements/register.yaml")
    (reading,) = (each for statement in committed_statements() for each in statement.readings if each.key == key)
    assert registration(reading, register, read_yaml(ROOT / "params.yaml")).startswith("amended after results")
    assert any("Second edition" not in entry.reason for entry in entries_of(reading, register) if entry.results_seen)


def test_the_three_settings_of_act_3_are_three_entries():
    register = load_register(ROOT / "statements/register.yaml")
    about = [entry for entry in register if "ACT-3/literal" in entry.readings and entry.reason.startswith("ACT-3")]
    assert len(about) == 2  # after the first setting, two others


# --- Fingerprints ---


@pytest.mark.parametrize(
    "changes",
    [
        {"rule": {"region": "equivalent"}},
        {"relation": "beyond"},
        {"kind": "count"},
        {"measure": "linear.optimum"},
        {"given": {"depth": 1}},
        {"confirmatory": True},
    ],
)
def test_whatever_decides_changes_the_fingerprint(changes):
    assert fingerprint(one(**changes), PARAMS) != fingerprint(one(), PARAMS)


@pytest.mark.parametrize(
    "changes", [{"tested": "Otherwise."}, {"would_change": "?"}, {"quantifier": "?"}, {"unit": "points"}]
)
def test_wording_does_not(changes):
    assert fingerprint(one(**changes), PARAMS) == fingerprint(one(), PARAMS)


def test_the_protocol_that_is_judged_is_part_of_it_and_no_other():
    reading = one(data=["results/experiments/losses/per_seed.csv"])
    assert protocol_of(reading) == ["experiments.losses"]
    longer = {**PARAMS, "experiments": {**PARAMS["experiments"], "losses": {"num_epochs": 6}}}
    wider = {**PARAMS, "ladder": {"protocol": {"width": 128}}}
    assert fingerprint(reading, longer) != fingerprint(reading, PARAMS) == fingerprint(reading, wider)


def test_data_name_their_protocol():
    paths = ["results/ladder", "results/evaluation/mlp_relu/per_seed.csv", "timing/activation_cost/kernels.csv"]
    expected = [
        *("experiments.activation_cost", "ladder.arms.again", "ladder.arms.linear", "ladder.protocol"),
        *("ladder.thresholds", "train.mlp_relu"),
    ]
    assert protocol_of(one(data=paths)) == expected


# --- What a page says ---


def entry(seen, mark=None):
    mark = fingerprint(one(), PARAMS) if mark is None else mark
    return Entry(reason="so", results_seen=seen, readings={"LIN-1/a": mark})


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([entry(False)], FIXED),
        ([entry(False), entry(True)], "amended after results, once"),
        ([entry(False, ""), entry(True, ""), entry(True)], "amended after results, twice"),
        ([entry(True)], "added after results were seen"),
        ([entry(True, ""), entry(True)], "added after results were seen, amended once"),
        ([], UNREGISTERED),
        ([entry(False, "000000000000")], UNREGISTERED),
    ],
)
def test_a_page_says_truthfully_when_a_rule_was_fixed(entries, words):
    assert registration(one(), entries, PARAMS) == words


# --- The tool ---


def test_the_tool_appends_what_changed_with_its_reason(tmp_path):
    text = tool.entry_text("a good reason: one that stands", "理由", {"LIN-1/a": "0123456789ab"}, seen=True)
    path = tmp_path / "register.yaml"
    path.write_text("# head\n" + tool.entry_text("first", None, {"LIN-1/a": ""}, seen=False) + text, encoding="utf-8")
    first, second = load_register(path)
    assert (first.reason, first.results_seen, first.readings) == ("first", False, {"LIN-1/a": ""})
    assert (second.reason, second.results_seen) == ("a good reason: one that stands", True)
    assert second.readings == {"LIN-1/a": "0123456789ab"}


def test_a_faulty_register_is_named(tmp_path):
    (tmp_path / "register.yaml").write_text("- reason: so\n  readings: {}\n", encoding="utf-8")
    with pytest.raises(ParamsError, match=r"0\.results_seen: expected a value, found none"):
        load_register(tmp_path / "register.yaml")
    with pytest.raises(ParamsError, match="expected the register of rules, found none"):
        load_register(tmp_path / "nowhere.yaml")
