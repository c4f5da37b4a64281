"""Measures of ACT-11: whether sigmoid and tanh must sometimes be avoided, and ReLU never: what trains at all."""

from typing import Any, Final

from dlstudy.judging.evidence import Evidence, TwoCounts
from dlstudy.measures.sweep import Cell, by_seed, cells_of, edges_of, protocol_facts
from dlstudy.study.results import Results

LEAST_SEEDS: Final = 6  # of each of two counts: with fewer, no test can be significant


def trained(results: Results, activation: str, cell: Cell) -> list[float]:
    """By seed: 1 where validation accuracy is that of a trained network."""
    reached = by_seed(results, activation, cell, "validation_accuracy") >= results.study.sweep.thresholds.trainable
    return reached.sort_index().astype(float).tolist()


def shares(results: Results) -> list[dict[str, Any]]:
    """A row per cell: the share of seeds that train, of every activation."""
    rows = []
    for cell in cells_of(results):
        runs = {name: trained(results, name, cell) for name in results.study.sweep.activations}
        found = {name: sum(of) / len(of) for name, of in runs.items()}
        rows.append({"cell": str(cell), "depth": cell.depth, "init": cell.init, "shares": found})
    return rows


def fewer_trained(results: Results, first: str, second: str) -> Evidence:
    """In every cell, how many seeds train with one activation and how many with another."""
    samples = {}
    for cell in cells_of(results):
        counts = [(int(sum(runs)), len(runs)) for runs in (trained(results, name, cell) for name in (first, second))]
        samples[str(cell)] = TwoCounts(counts[0], counts[1], least=LEAST_SEEDS)
    # A network that diverges has not trained: that is what is counted here, and no fault.
    edges = edges_of(results, (first, second), cells_of(results))
    facts = {"shares": shares(results), "protocol": protocol_facts(results)}
    return Evidence(samples, num_seeds=len(results.study.seeds), facts=facts, faults=edges)
