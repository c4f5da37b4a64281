"""The page of the statements that depend on wall-clock time, apart from all others."""

from collections.abc import Sequence
from typing import Final

from dlstudy.judging.statements import Statement
from dlstudy.report.markdown import with_bodies
from dlstudy.report.scorecard import PAGE_OF, by_verdict, citing, sections, verdict_counts
from dlstudy.study.results import TimingResults

PAGE: Final = f"{PAGE_OF['cost']}.md"


def cost_page(results: TimingResults, statements: Sequence[Statement]) -> str:
    """The text of the page; the same results, the same text."""
    found = sections(results, statements)
    readings = [reading for section in found for reading in section.readings]
    context = {
        "sections": found,
        "cites": citing(found),
        "counts": verdict_counts(readings),
        "rows": by_verdict(readings),
        "settings": results.study.judge,
        "thresholds": sorted({each.row["threshold"] for each in readings}),
        "timed": results.study.experiments.activation_cost,
    }
    return with_bodies(statements).get_template(f"{PAGE}.j2").render(context)
