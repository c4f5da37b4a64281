"""Write the JSON schema of params.yaml, by which editors complete and check it: `make schema`."""

import json
import sys
from typing import Final

from pydantic import TypeAdapter

from dlstudy.study.params import StudyParams
from tools.checkout import ROOT

FILE: Final = ROOT / ".vscode/params.schema.json"


def schema() -> str:
    """The schema, from the types that params.yaml is read by."""
    content = {"$schema": "https://json-schema.org/draft/2020-12/schema", **TypeAdapter(StudyParams).json_schema()}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def main() -> int:
    FILE.write_text(schema(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
