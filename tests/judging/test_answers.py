"""A statement is answered from the readings that the note says or implies."""

import pytest

from dlstudy.judging.tables import answer, answer_table
from tests.judging.support import statement


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        (("supported", "supported"), "holds"),
        (("supported", "consistent with"), "holds"),
        (("refuted", "refuted"), "does_not_hold"),
        (("supported", "refuted"), "conditions"),
        (("supported", "inconclusive"), "conditions"),
        (("supported", "invalid"), "conditions"),
        (("depends", "refuted"), "conditions"),
        (("depends", "depends"), "conditions"),
        (("inconclusive", "refuted"), "open"),  # what is undecided may still hold
        (("inconclusive", "invalid"), "open"),
    ],
)
def test_what_its_readings_say_together(verdicts, expected):
    found = dict(zip(("LIN-1/a", "LIN-1/b"), verdicts, strict=True))
    assert answer(statement("LIN-1", {"a": {}, "b": {"relation": "implies"}}), found) == expected


def test_a_reading_beyond_the_note_never_refutes_a_statement():
    """Of the first edition's 28 refuted readings 17 attacked sentences that the note neither makes nor means."""
    of_note = statement("LIN-1", {"a": {}, "b": {"relation": "beyond"}})
    assert answer(of_note, {"LIN-1/a": "supported", "LIN-1/b": "refuted"}) == "holds"


def test_a_statement_of_readings_beyond_the_note_is_a_further_question():
    asked = statement("LIN-4", {"a": {"relation": "beyond"}})
    assert answer(asked, {"LIN-4/a": "refuted"}) == "further"


def test_the_table_says_what_each_answer_rests_on():
    table = answer_table([statement("LIN-1", {"a": {}, "b": {"relation": "beyond"}})], {"LIN-1/a": "refuted"})
    assert table.to_dict("records") == [{"id": "LIN-1", "answer": "does_not_hold", "rests_on": "LIN-1/a: refuted"}]
