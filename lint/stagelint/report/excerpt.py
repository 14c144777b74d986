"""The lines a finding points at, numbered, with carets."""

from __future__ import annotations

from collections.abc import Iterator

from stagelint.report.terminal import Style, escape
from stagelint.source import Source, Span
from stagelint.tuples import NamedTuple

#: Lines shown of a longer span.
MAX_LINES = 4
#: Columns shown of a longer line.
MAX_COLUMNS = 200
CUT = "…"


class Line(NamedTuple):
    """A line as it is shown, and where the carets stand below it."""

    text: str
    indent: int
    carets: int


def excerpt(source: Source, span: Span, style: Style, severity: str) -> tuple[int, Iterator[str]]:
    """The width of the line numbers, and the lines of *span* between an empty gutter and carets.

    Nothing is shown of an empty text. The work is bounded, however long lines and span are.
    """
    if not source.text:
        return 1, iter(())
    first, last = source.lines(span)
    shown = range(first, min(last, first + MAX_LINES - 1) + 1)
    width = len(str(shown[-1]))
    return width, _draw(source, span, shown, last, style, severity)


def _draw(
    source: Source, span: Span, shown: range, last: int, style: Style, severity: str
) -> Iterator[str]:
    width = len(str(shown[-1]))
    margin = style.frame(f"{'':{width}} |")
    yield margin
    for number in shown:
        whole = source.line_span(number)
        focus = span if number == shown[0] else Span(whole.start, whole.start)
        line = cut(source.text, whole, focus)
        gutter = style.frame(f"{number:>{width}} |")
        yield f"{gutter} {line.text}" if line.text else gutter
        if number == shown[0]:
            carets = style.severity("^" * line.carets, severity)
            yield f"{margin} {'':{line.indent}}{carets}"
    if last > shown[-1]:
        yield f"{margin} {CUT}"


def cut(text: str, line: Span, span: Span) -> Line:
    """The *line* of *text*, with carets under what of *span* lies in it, at least one.

    Of a line of more than MAX_COLUMNS only the part around the start of *span* is kept.
    """
    start = min(span.start, line.end)
    end = max(start, min(span.end, line.end))
    # One more than may be shown: escaping never shortens, so a text too long is seen to be.
    most = MAX_COLUMNS + 1
    before = escape(text[max(line.start, start - most) : start])
    marked = escape(text[start : min(end, start + most)])
    after = escape(text[end : min(line.end, end + most)])
    if len(before) + len(marked) + len(after) <= MAX_COLUMNS:
        return Line(before + marked + after, len(before), max(1, len(marked)))
    kept = marked[: MAX_COLUMNS // 2]
    after = marked[len(kept) :] + after
    room = MAX_COLUMNS - len(kept)
    left = min(len(before), max(room // 2, room - len(after)))
    right = min(len(after), room - left)
    head = CUT * (left < len(before)) + before[len(before) - left :]
    tail = after[:right] + CUT * (right < len(after))
    return Line(head + kept + tail, len(head), max(1, len(kept)))
