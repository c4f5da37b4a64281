"""What the judge's parameters refuse, and how they say so."""

from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from dlstudy.core.params import ParamsError, load_section, validated
from dlstudy.study.judge import JudgeParams

PARAMS = Path(__file__).resolve().parents[2] / "params.yaml"
SOUND = {"margin": 0.5, "other_margins": [0.25, 1.0], "confidence": 0.95, "num_resamples": 9999, "seed": 0}


def test_the_committed_section_is_that_of_the_protocol():
    found = load_section("judge", JudgeParams, PARAMS)
    assert (found.margin, found.other_margins, found.confidence) == (0.5, (0.25, 1.0), 0.95)


def test_whole_numbers_are_margins_too():
    found = validated(SOUND | {"margin": 2, "other_margins": [1, 4]}, JudgeParams)
    assert (found.margin, found.other_margins) == (2.0, (1.0, 4.0))


def test_one_of_the_other_margins_can_be_tried_as_the_margin():
    """`dvc exp run -S judge.margin=1.0` needs no second change."""
    assert validated(SOUND | {"margin": 1.0}, JudgeParams).margin == 1.0


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("margin", 0, "margin: expected greater than 0, found 0"),
        ("margin", -0.5, "margin: expected greater than 0"),
        ("margin", float("inf"), "margin: expected a finite number, found inf"),
        ("margin", "0.5", "margin: expected a valid number, found '0.5'"),
        ("other_margins", [], "other_margins: expected at least 1 entry"),
        ("other_margins", [0.25, 0.25], r"other_margins: expected each margin once, found \[0.25, 0.25\]"),
        ("other_margins", [0.25, 0], "greater than 0"),
        ("other_margins", 0.25, "other_margins: expected a list"),
        ("confidence", 0.5, "confidence: expected greater than 0.5"),  # TOST's interval, at 2 * .5 - 1, has no width
        ("confidence", 1.0, "confidence: expected less than 1"),
        ("confidence", 95, "confidence: expected less than 1"),
        ("num_resamples", 99, "num_resamples: expected greater than or equal to 100"),
        ("num_resamples", 1000.5, "num_resamples: expected a valid integer"),
        ("seed", -1, "seed: expected greater than or equal to 0"),
        ("margins", [1.0], "margins: expected no such key"),
    ],
)
def test_a_fault_is_named(key, value, message):
    with pytest.raises(ParamsError, match=message):
        validated(SOUND | {key: value}, JudgeParams)


@pytest.mark.parametrize("key", SOUND)
def test_every_parameter_is_needed(key):
    with pytest.raises(ParamsError, match=f"{key}: expected a value, found none"):
        validated({name: value for name, value in SOUND.items() if name != key}, JudgeParams)


def test_a_faulty_margin_is_told_once():
    with pytest.raises(ParamsError) as found:
        validated(SOUND | {"margin": -1}, JudgeParams)
    assert "1 problem" in str(found.value)


def test_rules_cannot_change_the_settings():
    settings = TypeAdapter(JudgeParams).validate_python(SOUND)
    with pytest.raises(ValidationError):
        settings.margin = 3.0
