"""The page of the claims that depend on wall-clock time, apart from all others: their bytes never depend on it."""

from typing import Final

from dlstudy.claims.cost import CLAIMS, MUCH, NOTICEABLE
from dlstudy.report.markdown import environment
from dlstudy.report.scorecard import PAGE_OF, counts, readings, scorecard, sections
from dlstudy.study.results import TimingResults

PAGE: Final = f"{PAGE_OF['cost']}.md"


def cost_page(results: TimingResults) -> str:
    """The text of the page; the same results, the same text."""
    found = readings(results, CLAIMS)
    context = {
        "sections": sections(found, "cost"),
        "counts": counts(found),
        "rows": scorecard(found),
        "settings": results.study.judge,
        "much": MUCH,
        "noticeable": NOTICEABLE,
        "timed": results.study.experiments.activation_cost,
    }
    return environment().get_template(f"{PAGE}.j2").render(context)
