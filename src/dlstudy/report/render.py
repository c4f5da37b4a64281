"""All pages of markdown but those that depend on wall-clock time."""

from collections.abc import Iterator

from dlstudy.report.markdown import with_bodies
from dlstudy.report.pages import PAGES, Sources


def render_pages(sources: Sources) -> Iterator[tuple[str, str]]:
    """Each page's file name and text; the same sources, the same text."""
    jinja = with_bodies(sources.statements)
    for name, context_of in PAGES.items():
        yield f"{name}.md", jinja.get_template(f"{name}.md.j2").render(context_of(sources))
