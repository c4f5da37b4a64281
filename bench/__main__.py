"""`python -m bench`: measure every way in turn, for several rounds; print the tables and keep them."""

import argparse
import os
import sys
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any, Final

from tqdm import tqdm

from bench.measure import Sample, measure
from bench.setting import BenchError, Setting, read_setting
from bench.summary import markdown, summarise
from bench.ways import WAYS
from dlstudy.core.base.artifacts import write_json, write_text
from dlstudy.core.base.params import ParamsError

FOLDER: Final = Path(__file__).parent
START: Final = "<!-- results: `python -m bench` writes what follows -->\n"
END: Final = "<!-- end of results -->\n"
BUSY: Final = 0.5  # processes that wanted to run, on average over the last minute


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line's options: images (None: all), epochs, rounds."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=positive, default=5, help="times that each way is measured (5)")
    parser.add_argument("--epochs", type=positive, default=1, help="epochs that each measurement takes (1)")
    parser.add_argument(
        "--images", type=positive, help="images an epoch; the tables are then shown, not kept (all of the split, kept)"
    )
    return parser.parse_args(arguments)


def sampled(setting: Setting) -> dict[str, list[Sample]]:
    """Samples of each way, one a round; the ways take turns, so that a slow minute hits all of them."""
    ways = WAYS[setting.model]
    samples: dict[str, list[Sample]] = {way.name: [] for way in ways}
    turns = tqdm(list(product(range(setting.num_rounds), ways)), unit="measurement")
    for _, way in turns:
        turns.set_description(way.label)
        samples[way.name].append(measure(way, setting))
    return samples


def keep(table: str, results: Mapping[str, object], folder: Path) -> None:
    """Write results.json, and the table into the README between its markers."""
    readme = folder / "README.md"
    text = readme.read_text(encoding="utf-8")
    if text.count(START) != 1 or text.count(END) != 1 or text.index(START) > text.index(END):
        raise BenchError(f"{readme}: expected the lines {START.strip()} and {END.strip()} once each, in this order")
    before, rest = text.split(START)
    write_json(folder / "results.json", results)
    write_text(readme, f"{before}{START}\n{table}\n\n{END}{rest.split(END)[1]}")


def main(arguments: list[str]) -> int:
    """The exit status of `python -m bench`."""
    options = parse(arguments)
    if os.getloadavg()[0] > BUSY:
        print(
            "bench: this machine was busy in the last minute; other programs that run spoil the figures",
            file=sys.stderr,
        )
    try:
        settings = [read_setting(model, options.images, options.epochs, options.rounds) for model in WAYS]
        results: dict[str, Any] = {setting.model: summarise(setting, sampled(setting)) for setting in settings}
        table = markdown(results)
        print(table)
        if options.images is None:
            keep(table, results, FOLDER)
    except (BenchError, ParamsError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
