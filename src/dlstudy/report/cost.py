"""The page of the statements that depend on wall-clock time, apart from all others."""

from collections.abc import Iterator
from typing import Final

from dlstudy.judging.statements import Statement
from dlstudy.report.markdown import in_both_languages, with_bodies
from dlstudy.report.scorecard import PAGE_OF, by_verdict, citing, counts, sections
from dlstudy.study.results import TimingResults

PAGE: Final = PAGE_OF["cost"]


def cost_pages(results: TimingResults, statements: tuple[Statement, ...]) -> Iterator[tuple[str, str]]:
    """File and text of the page in both languages; the same results, the same text."""
    found = sections(results, statements)
    readings = [reading for section in found for reading in section.readings]
    context = {
        "sections": found,
        "cites": citing(found),
        "counts": counts(each.verdict for each in readings),
        "rows": by_verdict(readings),
        "settings": results.study.judge,
        "thresholds": sorted({each.row["threshold"] for each in readings}),
        "timed": results.study.experiments.activation_cost,
    }
    yield from in_both_languages(with_bodies(statements), PAGE, context)
