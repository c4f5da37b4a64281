"""From samples to results.json, and from that to the table and the sentences under it."""

import os
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from statistics import median
from typing import Any, Final

from bench.measure import Sample
from bench.setting import Setting, matrix_product_flops
from bench.ways import ARITHMETICS, SCIKIT_LEARN, TEXTBOOK, WAYS, Way

HEADER: Final = (
    "way",
    "seconds a model-epoch",
    "fastest to slowest round",
    "core-seconds",
    "times as fast as the textbook",
    "share of the bound",
    "threads",
    "kernels",
    "peak memory, MB",
)

Samples = Mapping[str, Sequence[Sample]]
"""By the name of the way, one a round."""


def rounded(value: float) -> float:
    """To three significant digits, more than a repetition confirms."""
    return float(f"{value:.3g}")


def ratios_of_rounds(samples: Samples, numerator: str, denominator: str, *, work: bool = False) -> list[float]:
    """How many times as long one way took as another, one per round: of the seconds, or the core-seconds worked."""
    pairs = zip(samples[numerator], samples[denominator], strict=True)
    if work:
        return [one.core_seconds / other.core_seconds for one, other in pairs]
    return [one.seconds / other.seconds for one, other in pairs]


def ratio(samples: Samples, numerator: str, denominator: str) -> float:
    """The median over rounds of the ratio within a round."""
    return rounded(median(ratios_of_rounds(samples, numerator, denominator)))


def spread(samples: Samples, numerator: str, denominator: str, *, work: bool = False) -> dict[str, float]:
    """The same with its range over rounds."""
    found = ratios_of_rounds(samples, numerator, denominator, work=work)
    return {"median": rounded(median(found)), "least": rounded(min(found)), "most": rounded(max(found))}


def best(samples: Samples, ways: Sequence[Way]) -> str:
    """The name of the fastest of several ways, by its median."""
    return min((way.name for way in ways), key=lambda name: median(one.seconds for one in samples[name]))


def summarise(setting: Setting, samples: Samples) -> dict[str, Any]:
    """The content of results.json for one model."""
    textbook = best(samples, [way for way in TEXTBOOK if way.name in samples])
    scikit_learn = {"scikit_learn": best(samples, SCIKIT_LEARN)} if SCIKIT_LEARN[0].name in samples else {}
    flops = matrix_product_flops(setting.widths, setting.num_images) if setting.widths else None
    return {
        "model": {"widths": list(setting.widths), "network": setting.network},
        "batch_size": setting.batch_size,
        "num_images": setting.num_images,
        "num_rounds": setting.num_rounds,
        "num_epochs": setting.num_epochs,
        "num_cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "torch": version("torch"),
        **({"matrix_product_gflop": rounded(flops / 1e9)} if flops else {}),
        "textbook": textbook,
        **scikit_learn,
        "ways": {way.name: _row(way, samples, textbook) for way in WAYS[setting.model]},
        "ratios": _ratios(samples, {"textbook": textbook, **scikit_learn}),
    }


def _row(way: Way, samples: Samples, textbook: str) -> dict[str, Any]:
    own = samples[way.name]
    seconds = [one.seconds for one in own]
    row = {
        "label": way.label,
        "seconds": rounded(median(seconds)),
        "fastest": rounded(min(seconds)),
        "slowest": rounded(max(seconds)),
        "core_seconds": rounded(median(one.core_seconds for one in own)),
        "times_as_fast_as_textbook": ratio(samples, textbook, way.name),
        "num_threads": own[0].num_threads,
        "kernels": own[0].kernels,
        "memory_mb": round(max(one.memory_bytes for one in own) / 1e6),
    }
    if way.kind in ("ours", "stack") and way.num_processes == 1:
        row["share_of_bound"] = ratio(samples, f"matrix_product_{way.arithmetic}", way.name)
    return row


def _ratios(samples: Samples, rivals: Mapping[str, str]) -> dict[str, dict[str, float]]:
    """Of `ours`: one arithmetic over the other, one process over two, and each rival at its best over one and two.

    One process is also compared by core-seconds (`_work_`), since a rival may use more than one core.
    """
    ratios = {"portable_over_native": spread(samples, "ours_portable_1", "ours_native_1")}
    for arithmetic in ARITHMETICS:
        one, two = f"ours_{arithmetic}_1", f"ours_{arithmetic}_2"
        ratios[f"one_process_over_two_{arithmetic}"] = spread(samples, one, two)
        for rival, name in rivals.items():
            ratios[f"{rival}_over_{arithmetic}"] = spread(samples, name, one)
            ratios[f"{rival}_over_two_{arithmetic}"] = spread(samples, name, two)
            ratios[f"{rival}_work_over_{arithmetic}"] = spread(samples, name, one, work=True)
    return ratios


RIVALS: Final = {"textbook": "The textbook's", "scikit_learn": "scikit-learn's"}
TITLES: Final = {
    "mlp_relu": "### One network a process: `mlp_relu`",
    "stack": "### Many networks a process: the ladder of activations, at depth 1",
    "resnet18": "### A network of torchvision: `resnet18`",
}


def markdown(results: Mapping[str, Any]) -> str:
    """The table of each model, and what was measured; of results.json alone."""
    return "\n\n".join(f"{TITLES[model]}\n\n{_section(found)}" for model, found in results.items())


def _section(results: Mapping[str, Any]) -> str:
    rows = [HEADER, *map(_cells, results["ways"].values())]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    header, *body = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([header, rule, *body, "", *_sentences(results)])


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        row["label"],
        f"{row['seconds']:g}",
        f"{row['fastest']:g} to {row['slowest']:g}",
        f"{row['core_seconds']:g}",
        f"{row['times_as_fast_as_textbook']:g}",
        f"{row['share_of_bound']:.0%}" if "share_of_bound" in row else "",
        str(row["num_threads"]),
        row["kernels"],
        str(row["memory_mb"]),
    )


def _sentences(results: Mapping[str, Any]) -> Iterator[str]:
    model, ratios = results["model"], results["ratios"]
    network = "-".join(map(str, model["widths"])) + " with " if model["widths"] else ""
    yield (
        f"- Network: {network}{model['network']}; batches of {results['batch_size']}, {results['num_images']} images "
        "an epoch."
    )
    yield f"- Cores: {results['num_cores']}; torch {results['torch']}."
    yield (
        f"- Rounds: {results['num_rounds']}, epochs in each: {results['num_epochs']}. Seconds are medians over rounds, "
        "ratios are medians over rounds of the ratio within a round, with the range over rounds."
    )
    yield f"- The textbook's time is that of its fastest row: {results['ways'][results['textbook']]['label']}."
    if "matrix_product_gflop" in results:
        yield (
            f"- The bound: {results['matrix_product_gflop']:g} GFLOP of matrix products an epoch, at the rate of one "
            "large product on one core in the same arithmetic."
        )
    yield f"- The portable arithmetic takes {_words(ratios['portable_over_native'])} times as long as the native."
    for rival, words in RIVALS.items():
        if f"{rival}_over_native" in ratios:
            one, two, work = (
                _by_arithmetic(ratios, f"{rival}_{part}") for part in ("over_", "over_two_", "work_over_")
            )
            yield (
                f"- {words} best takes {one} times as long as ours with one process, {two} with two, and {work} times "
                "the core-seconds of one."
            )
    throughput = _by_arithmetic(ratios, "one_process_over_two_")
    yield f"- Two processes get {throughput} times as much done as one."


def _by_arithmetic(ratios: Mapping[str, Mapping[str, float]], prefix: str) -> str:
    return " and ".join(f"{_words(ratios[f'{prefix}{arithmetic}'])} ({arithmetic})" for arithmetic in ARITHMETICS)


def _words(found: Mapping[str, float]) -> str:
    return f"{found['median']:g} [{found['least']:g} to {found['most']:g}]"
