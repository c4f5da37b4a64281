"""Markdown from templates."""

from dlstudy.report.markdown import evidence, powers


def test_a_card_shows_the_first_paragraph_and_the_first_figure_that_is_not_folded():
    text = "One\ntwo.\n\n<details>\n\n![a](a.png)\n\n</details>\n\n![b](b.png)\n\nThree.\n\n![c](c.png)\n"
    paragraph, figure, rest = evidence(text)
    assert (paragraph, figure) == ("One\ntwo.", "![b](b.png)")
    assert rest == "<details>\n\n![a](a.png)\n\n</details>\n\n\nThree.\n\n![c](c.png)"


def test_a_text_of_one_paragraph_has_no_figure_and_no_rest():
    assert evidence("One.\n") == ("One.", "", "")


def test_scientific_notation_is_printed_as_a_power_of_ten():
    assert powers("3.477e-15 (1e+04 to 2)") == "3.477 × 10⁻¹⁵ (1 × 10⁴ to 2)"
    assert powers("0.5, 1e, relu6") == "0.5, 1e, relu6"
