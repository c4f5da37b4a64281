"""The answer to a statement, from the verdicts on those of its readings that the note says or implies."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, get_args

import pandas as pd

from dlstudy.judging.rules import Verdict
from dlstudy.judging.statements import Statement

Answer = Literal["holds", "conditions", "does_not_hold", "open", "further"]

ANSWERS: Final[tuple[Answer, ...]] = get_args(Answer)
"""Holds; holds with conditions; does not hold; open; and a question of our own, which is no part of the headline."""

FOR: Final = ("supported", "consistent with")


def answer(statement: Statement, verdicts: Mapping[str, Verdict]) -> Answer:
    """What its readings say together; those beyond the note take no part."""
    found = [verdicts[each.key] for each in statement.asserted]
    if not found:
        return "further"
    if all(each in FOR for each in found):
        return "holds"
    if all(each == "refuted" for each in found):
        return "does_not_hold"
    if any(each in FOR or each == "depends" for each in found):
        return "conditions"
    return "open"


def answer_table(statements: Sequence[Statement], verdicts: Mapping[str, Verdict]) -> pd.DataFrame:
    """One row per statement: its id, its answer, and the verdicts that it rests on."""
    rows = []
    for each in statements:
        rests_on = "; ".join(f"{reading.key}: {verdicts[reading.key]}" for reading in each.asserted)
        rows.append((each.id, answer(each, verdicts), rests_on or "no reading that the note says or implies"))
    return pd.DataFrame(rows, columns=["id", "answer", "rests_on"])
