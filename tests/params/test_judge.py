"""What the judge's parameters refuse, and how they say so."""

from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from dlstudy.core.base.params import ParamsError, load_section, validated
from dlstudy.study.params import JudgeParams

PARAMS = Path(__file__).resolve().parents[2] / "params.yaml"
SOUND = {"margin": 0.5, "confidence": 0.95}


def test_the_committed_section_is_that_of_the_protocol():
    found = load_section("judge", JudgeParams, PARAMS)
    assert (found.margin, found.confidence) == (0.5, 0.95)


def test_whole_numbers_are_margins_too():
    assert validated(SOUND | {"margin": 2}, JudgeParams).margin == 2.0


def test_a_margin_at_which_no_comparison_could_come_out_otherwise_is_refused():
    with pytest.raises(ParamsError, match="margin: expected less than 50 accuracy points, found 50"):
        validated(SOUND | {"margin": 50}, JudgeParams)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("margin", 0, "margin: expected greater than 0, found 0"),
        ("margin", -0.5, "margin: expected greater than 0"),
        ("margin", float("inf"), "margin: expected a finite number, found inf"),
        ("margin", "0.5", "margin: expected a valid number, found '0.5'"),
        ("confidence", 0.5, "confidence: expected greater than 0.5"),  # TOST's interval, at 2 * .5 - 1, has no width
        ("confidence", 1.0, "confidence: expected less than 1"),
        ("confidence", 95, "confidence: expected less than 1"),
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
