"""The generated parts of README.md, README.zh.md and docs/running.md: `make readme` brings them up to date, a test checks that they are.

A part stands between `<!-- begin NAME -->` and `<!-- end NAME -->`.
"""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd

from dlstudy.judging.statements import load_statements
from dlstudy.report.activations import which
from dlstudy.report.markdown import environment
from dlstudy.report.scorecard import counts, sections
from dlstudy.report.words import ANSWER, MARK, Language
from dlstudy.study.ladder import Ladder
from dlstudy.study.params import load_study
from dlstudy.study.results import Results
from tools.comparison import stage_outputs
from tools.reproduce import RECORD, hash_of, in_words, read_record
from tools.staleness import CHECK

ROOT: Final = Path(__file__).resolve().parents[1]
DOCUMENTS: Final = ("README.md", "README.zh.md")
PLACES: Final = (*DOCUMENTS, "docs/running.md")
"""The files that have generated parts."""


BOXES: Final[Mapping[str, tuple[str, ...]]] = {
    "download": (CHECK, "download", "download_weights"),
    "prepare": ("prepare",),
    "models": ("train", "evaluate", "vision", "features"),
    "ladder": ("ladder", "ladder_arm"),
    "experiments": (),  # all stages that no other box names
    "judge": ("judge",),
    "pages": ("report", "figures", "verdict_figures", "galleries"),
    "times": ("activation_cost", "cost_report"),
}
"""The parts of the pipeline, in the order of the work, and their stages."""


def dag() -> str:
    """The parts of the pipeline and how they hang together: a mermaid chart of what DVC knows of its stages."""
    command = [sys.executable, "-m", "dvc", "dag", "--md", "--collapse-foreach-matrix"]
    return chart(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)


def chart(stages: str) -> str:
    """A chart of the boxes, from DVC's chart of the stages; arrows that follow from others are left out."""
    box_of = {stage: box for box, names in BOXES.items() for stage in names}
    names = dict(re.findall(r'(node\d+)\["([^"]+)"\]', stages))
    boxes = {node: box_of.get(stage, "experiments") for node, stage in names.items()}
    arrows = {(boxes[one], boxes[other]) for one, other in re.findall(r"(node\d+)-->(node\d+)", stages)}
    arrows = {(one, other) for one, other in arrows if one != other}
    lines = [f"\t{one} --> {other}" for one, other in sorted(arrows) if not is_roundabout(one, other, arrows)]
    drawn = [f'\t{box}["{box}"]' for box in BOXES if box in boxes.values()]
    return "\n".join(["```mermaid", "flowchart LR", *drawn, *lines, "```"])


def is_roundabout(start: str, end: str, arrows: Collection[tuple[str, str]]) -> bool:
    """Whether other arrows lead from start to end, too."""
    reached, new = set[str](), {other for one, other in arrows if one == start and other != end}
    while new:
        reached |= new
        new = {other for one, other in arrows if one in new} - reached
    return end in reached


def brief(language: Language) -> str:
    """The short answer, and which statements have which answer."""
    results = Results(ROOT, load_study(ROOT / "params.yaml"))
    found = sections(results, load_statements(ROOT / "statements", timed=False))
    note = [each for each in found if each.statement.asserted]
    folder = "" if language == "en" else "zh/"
    short = environment().from_string(f'{{% from "{folder}_which.md.j2" import in_short %}}{{{{ in_short(which) }}}}')
    head = f"Of {len(note)} statements:" if language == "en" else f"共 {len(note)} 个说法："
    lines = [f"{short.render(which=which(Ladder.of(results)))}\n", f"{head}\n"]
    for answer, num in counts(each.answer for each in note).items():
        links = [f"[{each.statement.id}](reports/{folder}{each.link})" for each in note if each.answer == answer]
        line = "- {} {}: **{}** ({})" if language == "en" else "- {} {}：**{}** 个（{}）"
        comma = ", " if language == "en" else "、"
        lines.append(line.format(MARK[answer], ANSWER[language][answer], num, comma.join(links)))
    return "\n".join(lines)


SPEED: Final = """\
One model-epoch of `mlp_relu` takes 1/{wall[portable]} of the time of the textbook loop (torchvision data set, `ToTensor`,
`DataLoader` at its best number of workers), with 2 processes on 2 cores, and 1/{wall[native]} in native arithmetic; of
the textbook's processor time, 1/{work[portable]} and 1/{work[native]}. All measured in one run: [bench/](../bench/README.md)."""


def speed(sentence: str) -> str:
    """What bench/ measured: how many times the textbook loop's cost is ours, in wall time and in processor time."""
    measured: dict[str, Any] = json.loads((ROOT / "bench" / "results.json").read_text(encoding="utf-8"))["mlp_relu"]
    textbook, ours = measured["ways"][measured["textbook"]], measured["ways"]
    two = {name: ours[f"ours_{name}_2"] for name in ("portable", "native")}
    wall = {name: f"{way['times_as_fast_as_textbook']:.1f}" for name, way in two.items()}
    work = {name: f"{textbook['core_seconds'] / way['core_seconds']:.1f}" for name, way in two.items()}
    return sentence.format(wall=wall, work=work)


def reproduced(record: pd.DataFrame) -> str:
    """By processor: how many stages were run again there, how long, and how many of their outputs came out the same."""
    outputs = stage_outputs(ROOT / "dvc.lock")
    are_current = [hash_of(outputs.get(str(stage), {})) == found for stage, found in record["outputs"].items()]
    current = record[pd.Series(are_current, index=record.index, dtype=bool)]
    lines = [
        f"- {name}: {len(rows)} of {len(outputs)} stages, which took {in_words(rows['seconds'].sum())}; "
        f"{rows['num_same'].sum()} of {rows['num_outputs'].sum()} outputs are the same bytes."
        for name, rows in current.groupby("processor")
    ]
    return "\n".join(lines) or "Nothing yet."


PARTS: Final[Mapping[str, Callable[[], str]]] = {
    "dag": dag,
    "brief": lambda: brief("en"),
    "brief_zh": lambda: brief("zh"),
    "speed": lambda: speed(SPEED),
    "reproduced": lambda: reproduced(read_record(ROOT / RECORD)),
}


def updated(text: str, parts: Mapping[str, str]) -> str:
    """The text with each part between its markers, where it has them; ValueError for an unpaired marker."""
    for name, content in parts.items():
        begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
        if text.count(begin) != text.count(end) or text.count(begin) > 1:
            raise ValueError(f"expected {begin} and {end} once or not at all, found them {text.count(begin)} times")
        if begin in text:
            before, rest = text.split(begin)
            text = f"{before}{begin}\n{content}\n{end}{rest.split(end)[1]}"
    return text


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 where something is out of date")
    check = parser.parse_args().check
    parts = {name: content() for name, content in PARTS.items()}
    stale = []
    for document in PLACES:
        path = ROOT / document
        old = path.read_text(encoding="utf-8")
        new = updated(old, parts)
        if new != old:
            stale.append(document)
            if not check:
                path.write_text(new, encoding="utf-8")
    print(("Out of date: " if check else "Brought up to date: ") + (", ".join(stale) or "nothing"))
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
