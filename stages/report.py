"""Write the pages of the report from the committed results."""

from pathlib import Path

from dlstudy.core.base.artifacts import write_text
from dlstudy.judging.statements import load_statements
from dlstudy.literature.published import load_published
from dlstudy.report.pages import Sources, render_pages
from dlstudy.study.params import load_study
from dlstudy.study.results import Results

if __name__ == "__main__":
    sources = Sources(Results(Path(), load_study()), load_published(), load_statements(timed=False))
    for name, text in render_pages(sources):
        write_text(Path("reports") / name, text)
