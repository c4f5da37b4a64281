"""Statements as documents: what is read, and everything that is wrong with any of them, at once."""

from io import StringIO

import pytest
from ruamel.yaml import YAML

from dlstudy.core.base.params import ParamsError
from dlstudy.judging.statements import load_statements
from tests.committed import committed_statements
from tests.judging.support import chinese, english


def document(front, body="The text."):
    stream = StringIO()
    YAML().dump(front, stream)
    return f"---\n{stream.getvalue()}---\n\n{body}\n"


@pytest.fixture
def folder(tmp_path):
    write(tmp_path, "LIN-1", english({"a": {}}), chinese(["a"]))
    return tmp_path


def write(folder, id, front, translated=None):
    (folder / f"{id}.md").write_text(document(front), encoding="utf-8")
    if translated is not None:
        (folder / f"{id}.zh.md").write_text(document(translated, ""), encoding="utf-8")


def problems(folder):
    with pytest.raises(ParamsError) as found:
        load_statements(folder)
    return str(found.value)


def test_a_statement_is_its_two_documents(folder):
    (found,) = load_statements(folder)
    (reading,) = found.readings
    assert (found.id, found.en.says, found.zh.says, found.bodies["en"]) == ("LIN-1", "It is so.", "如此。", "The text.")
    assert (reading.key, reading.anchor, reading.zh.would_change) == ("LIN-1/a", "lin-1-a", "别的证据")
    assert reading.en.rule.region == "better"


def test_statements_come_in_the_order_of_the_note(folder):
    for id in ("SOFT-2", "LIN-10", "LIN-1b", "LIN-2"):
        write(folder, id, english({"only": {}}), chinese(["only"]))
    assert [each.id for each in load_statements(folder)] == ["LIN-1", "LIN-1b", "LIN-2", "LIN-10", "SOFT-2"]


def test_the_only_reading_has_the_id_of_its_statement(folder):
    write(folder, "LIN-2", english({"only": {}}), chinese(["only"]))
    (reading,) = load_statements(folder)[1].readings
    assert (reading.key, reading.anchor) == ("LIN-2", "lin-2-only")  # apart from the heading's anchor


@pytest.mark.parametrize(
    ("changes", "formula"),
    [
        ({}, "A − B > 0"),
        ({"rule": {"region": "not_worse"}}, "A − B > −d"),
        ({"rule": {"region": "equivalent"}}, "A − B = 0 ± d"),
        ({"rule": {"region": "different"}}, "A − B ≠ 0 ± d"),
        ({"unit": "percent", "rule": {"region": "above", "threshold": 2.0}}, ""),
    ],
)
def test_what_a_reading_says_of_a_difference_is_a_formula(folder, changes, formula):
    write(folder, "LIN-1", english({"a": changes}), chinese(["a"]))
    (reading,) = load_statements(folder)[0].readings
    assert reading.formula == formula


@pytest.mark.parametrize("changes", [{"difference": None}, {"unit": "percent", "difference": "A − B"}])
def test_a_difference_in_accuracy_and_no_other_is_named(folder, changes):
    write(folder, "LIN-1", english({"a": changes}), chinese(["a"]))
    assert "readings.a: difference: expected" in problems(folder)


def test_differences_of_one_statement_that_no_figure_could_tell_apart_are_named(folder):
    write(folder, "LIN-1", english({"a": {}, "b": {"given": {"depth": 1}}}), chinese(["a", "b"]))
    assert "LIN-1: expected another difference for each reading, found A − B > 0 twice" in problems(folder)


def test_all_problems_of_all_documents_are_told_at_once(folder):
    write(folder, "LIN-2", english({"a": {"relation": "hints", "rule": {"region": "above"}}}), chinese(["b"]))
    write(folder, "SGD-1", english({"a": {}}, chapter="algebra") | {"note": "?"}, chinese(["a"]))
    text = problems(folder)
    for part in (
        "LIN-2.md",
        "readings.a.relation: expected 'says', 'implies' or 'beyond', found 'hints'",
        "readings.a.rule: expected a threshold with region above, found None",
        "SGD-1.md",
        "chapter: expected",
        "note: expected no such key",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("translated", "message"),
    [
        (chinese(["b"]), r"readings: expected \['a'\], as in English, found \['b'\]"),
        (chinese(["a"], answers={"holds": "是"}), "answers: expected"),
        (chinese(["a"]) | {"says": None, "asks": "如此"}, "says, asks: expected the same as in English"),
    ],
)
def test_what_one_language_lacks_is_named(folder, translated, message):
    write(folder, "LIN-1", english({"a": {}}), translated)
    with pytest.raises(ParamsError, match=message):
        load_statements(folder)


def test_a_document_without_its_counterpart_is_named(folder):
    (folder / "LIN-1.zh.md").unlink()
    assert "LIN-1.zh.md: expected a document, found none" in problems(folder)
    (folder / "LIN-1.md").rename(folder / "LIN-1.zh.md")
    assert "LIN-1.zh.md: expected an English document beside it" in problems(folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no front matter", "expected YAML between two lines of ---"),
        ("---\n- a list\n---\n", "expected a mapping between the lines of ---"),
        ("---\na: [1\n---\n", "expected YAML 1.2"),
        ("---\na: 2026-02-31\n---\n", "expected YAML 1.2"),
        ("---\nsays: \udcff\n---\n", "expected UTF-8"),
    ],
)
def test_what_is_no_document_is_named(folder, text, message):
    (folder / "LIN-1.md").write_bytes(text.encode("utf-8", "surrogateescape"))
    assert message in problems(folder)


def test_another_name_and_an_empty_folder_are_named(folder, tmp_path):
    (folder / "Notes.md").write_text("", encoding="utf-8")
    assert "Notes.md: expected a name such as LIN-1.md" in problems(folder)
    assert "expected documents such as LIN-1.md, found none" in problems(tmp_path / "nowhere")


def test_an_answer_is_needed_for_every_outcome(folder):
    answers = {"holds": "Yes.", "open": "Open."}
    write(folder, "LIN-1", english({"a": {}}, answers=answers), chinese(["a"], answers=answers))
    assert "expected an answer for each outcome, found none for does_not_hold" in problems(folder)


def test_one_number_is_not_tested_twice_in_the_family(folder):
    twice = {"a": {"confirmatory": True}, "b": {"confirmatory": True, "rule": {"region": "equivalent"}}}
    write(folder, "LIN-1", english(twice), chinese(["a", "b"]))
    assert "LIN-1/b: expected a confirmatory test of its own, found that of LIN-1/a" in problems(folder)


def test_a_statement_of_the_clock_stands_in_the_folder_of_its_own(folder):
    write(folder, "LIN-1", english({"a": {}}, chapter="cost"), chinese(["a"]))
    assert "expected cost in the folder timing, and only there" in problems(folder)


# --- The committed documents ---

STATEMENTS = committed_statements()


def test_the_committed_statements_are_those_of_the_note_and_their_questions():
    ids = [each.id for each in STATEMENTS]
    expected = [*(f"LIN-{n}" for n in (1, "1b", 2, 3, 4, 5)), *(f"SGD-{n}" for n in range(1, 9))]
    expected += [*(f"SOFT-{n}" for n in range(1, 6)), "TV-1", "TV-2", "TV-3", "MLP-1"]
    assert ids == [*expected, *(f"ACT-{n}" for n in range(1, 17))]


def test_what_the_note_does_not_say_is_asked():
    asked = {each.id for each in STATEMENTS if each.en.asks}
    assert asked == {"LIN-1b", "LIN-4", "SGD-1", "SGD-2", "SGD-3", "SGD-4", "SGD-5", "ACT-15"}
    assert not any(each.asserted for each in STATEMENTS if each.en.asks)


def test_readings_that_attack_sentences_the_note_never_made_are_beyond_it():
    beyond = {each.key for statement in STATEMENTS for each in statement.readings if each.en.relation == "beyond"}
    assert beyond >= {
        *("SOFT-1/ratio", "SOFT-2/naive", "SGD-6/every", "SGD-7/floor", "SOFT-4/positive", "LIN-4/inverse"),
        *("TV-3/neutral", "TV-3/scaled", "TV-3/undone", "LIN-1b/enough", "ACT-11/relu"),
    }


def test_every_statement_has_its_text():
    assert [each.id for each in STATEMENTS if not each.bodies["en"]] == []
