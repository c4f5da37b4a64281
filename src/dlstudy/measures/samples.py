"""What measures and pages share: tables as plain records."""

from typing import Any

import pandas as pd


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """A mapping for each row."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def in_epochs(budget: float) -> str:
    """A training budget in words: the name of the group of what was trained so long."""
    return f"{budget:g} {'epoch' if budget == 1 else 'epochs'}"
