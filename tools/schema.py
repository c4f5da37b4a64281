"""Write the JSON schemas of params.yaml and of statements/, by which editors complete and check them: `make schema`."""

import json
import sys
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from dlstudy.judging.register import Entry
from dlstudy.judging.statements import Chinese, English
from dlstudy.study.params import StudyParams
from tools.checkout import ROOT

FOLDER: Final = ROOT / ".vscode"
KINDS: Final[dict[str, Any]] = {  # what each is read as
    "params": StudyParams,
    "statement": English | Chinese,  # the YAML at the head of a document
    "register": list[Entry],
}


def file_of(name: str) -> Path:
    return FOLDER / f"{name}.schema.json"


def schema(name: str) -> str:
    """The schema of what has this name in KINDS, from the types that it is read by."""
    content = {"$schema": "https://json-schema.org/draft/2020-12/schema", **TypeAdapter(KINDS[name]).json_schema()}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def main() -> int:
    for name in KINDS:
        file_of(name).write_text(schema(name), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
