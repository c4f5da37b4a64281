"""What measures and pages share: tables as plain records."""

from typing import Any

import pandas as pd


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """A mapping for each row."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]
