"""All pages of markdown but those that depend on wall-clock time."""

from collections.abc import Iterator

from dlstudy.report.markdown import in_both_languages, with_bodies
from dlstudy.report.pages import PAGES, Sources


def render_pages(sources: Sources) -> Iterator[tuple[str, str]]:
    """Each page's file and text, in both languages; the same sources, the same text."""
    jinja = with_bodies(sources.statements)
    for name, context_of in PAGES.items():
        yield from in_both_languages(jinja, name, context_of(sources))
