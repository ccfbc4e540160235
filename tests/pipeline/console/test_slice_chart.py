from rich.cells import cell_len

from pipeline.console.slice_chart import slice_chart
from pipeline.results.summary import SliceRow
from tests.pipeline.console.summaries import LENGTHS, STARS, UNKNOWN


def test_slice_chart_side_by_side():
    """At 76 columns the charts stand side by side, and the lowest slice of each is marked."""
    assert list(slice_chart(STARS[3:6] + LENGTHS, width=76)) == [
        "accuracy by stars  length in words (< lowest)",
        "4 ████▊   80.0%     no words few      0.0%",
        "7 ████▋   78.0% <      1-100 █████▎  88.0%",
        "8 █████▏  85.0%    truncated ████▉   81.2% <",
    ]


def test_slice_chart_names_what_the_model_reads():
    """A length in characters is none in words."""
    title, *_ = slice_chart(LENGTHS, width=76, tokens="character pairs")
    assert title.strip() == "accuracy by length in character pairs (< lowest)"


def test_slice_chart_in_a_narrow_terminal():
    """Charts that do not fit beside each other stand below each other."""
    assert list(slice_chart(STARS[3:5] + UNKNOWN, width=40, is_plain=True)) == [
        "accuracy by stars",
        "4 #####   80.0%",
        "7 #####   78.0% <",
        "unknown words (< lowest)",
        "   under 5 % #####   87.0%",
        "20 % or more #####   80.0% <",
    ]


def test_slice_chart_of_many_values_shows_the_least_accurate():
    """In the order of the rows; wide characters take two columns, and long values are cut."""
    rows = [SliceRow("product", f"p{number}", 100, number / 100) for number in range(60, 80)]
    rows += [SliceRow("product", "很好看", 100, 0.5), SliceRow("product", "x" * 80, 100, 0.4)]
    title, *lines, last = slice_chart(rows, width=76, is_plain=True)
    assert title == "accuracy by product (< lowest)"
    assert [line.split()[0] for line in lines] == [
        *(f"p{number}" for number in range(60, 68)), "很好看", f"{'x' * 27}...",
    ]  # fmt: skip
    assert last.strip() == "12 more are left out"
    assert {cell_len(line.removesuffix(" <").rstrip()) for line in lines} == {44}


def test_slice_chart_of_nothing():
    """Without slices there is no chart, nor a title for one."""
    assert list(slice_chart((), width=76)) == []
