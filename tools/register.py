"""Register changed rules: an entry in statements/register.yaml for every reading whose fingerprint has changed.

`python -m tools.register --check` names them and fails; `--reason "..."` adds the entry, `--seen` if results of these
readings had been seen by then. Commit the entry with the change.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path

from ruamel.yaml import YAML

from dlstudy.core.base.errors import StudyError
from dlstudy.core.base.params import PARAMS_FILE, read_yaml
from dlstudy.judging.register import REGISTER, load_register, unregistered
from dlstudy.judging.statements import load_statements


def entry_text(reason: str, reason_zh: str | None, readings: Mapping[str, str], *, seen: bool) -> str:
    """The entry as it is written into the file."""
    stream = StringIO()
    yaml = YAML()
    yaml.width = 110
    yaml.indent(mapping=2, sequence=4, offset=2)
    in_chinese = {"reason_zh": reason_zh} if reason_zh else {}
    yaml.dump([{"reason": reason, **in_chinese, "results_seen": seen, "readings": dict(readings)}], stream)
    return "\n".join(line.removeprefix("  ") for line in stream.getvalue().splitlines()) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reason", help="why the rule or protocol changed, in a sentence that would stand anyway")
    parser.add_argument("--reason-zh", help="the same in Chinese, for the Chinese pages")
    parser.add_argument("--seen", action="store_true", help="results of these readings had been seen")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 where something is unregistered")
    given = parser.parse_args(arguments)
    readings = [reading for statement in load_statements() for reading in statement.readings]
    try:
        known = load_register()
    except StudyError:
        if REGISTER.exists():
            raise
        known = ()
    changed = unregistered(readings, known, read_yaml(PARAMS_FILE))
    if not changed:
        print("Every rule is registered as it is.")
        return 0
    print(f"{len(changed)} not registered: {', '.join(changed)}")
    if given.check or not given.reason:
        print('Register them with their reason: python -m tools.register --reason "..." [--seen]', file=sys.stderr)
        return 1
    path = Path(REGISTER)
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    path.write_text(before + entry_text(given.reason, given.reason_zh, changed, seen=given.seen), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
