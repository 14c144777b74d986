"""What a fix changes, as a unified diff that `patch -p0` and `git apply -p0` accept."""

from __future__ import annotations

import os
from collections.abc import Iterator

from stagelint.report.terminal import Style, escape

Opcode = tuple[str, int, int, int, int]

#: Unchanged lines shown around a change.
CONTEXT = 3
#: Comparing line by line can take time quadratic in this; a longer change is shown as one block.
MAX_COMPARED = 2000
NO_NEWLINE = "\\ No newline at end of file"


def render(
    path: str,
    before: str,
    after: str,
    *,
    color: bool,
    escaped: bool = False,
    is_new: bool = False,
) -> str:
    """The diff from *before* to *after*, each line ended by LF; empty if nothing changed.

    If *is_new*, there is no file yet.

    Lines end at LF alone, and what is in them is kept verbatim, so the text can be applied. With
    *color*, or if *escaped*, it is meant to be looked at: control characters are shown as escapes.
    """
    if before == after:
        return ""
    old, new = _split(before), _split(after)
    lines = [_header("---", "/dev/null" if is_new else path), _header("+++", path)]
    for offset, group in _groups(old, new):
        lines += _hunk(old, new, offset, group)
    if color or escaped:
        lines = _shown(lines, Style(color), hide_cr=_is_crlf(old) and _is_crlf(new))
    return "\n".join((*lines, ""))


def _split(text: str) -> list[str]:
    """The lines with their newlines; only the last may have none."""
    *lines, last = text.split("\n")
    return [line + "\n" for line in lines] + [last] * bool(last)


def _header(sign: str, path: str) -> str:
    """A path is quoted as in C where it must be; the tab tells `patch` that blanks belong to it."""
    if os.sep == "\\":
        path = path.replace(os.sep, "/")
    if any(char < " " or char in '"\\\x7f' for char in path):
        return f'{sign} "{"".join(map(_quoted, path))}"'
    return f"{sign} {path}\t" if " " in path else f"{sign} {path}"


def _quoted(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    return f"\\{ord(char):03o}" if char < " " or char == "\x7f" else char


def _groups(old: list[str], new: list[str]) -> Iterator[tuple[int, list[Opcode]]]:
    """The changes with their context, counted from the offset given with each.

    Only what lies between the common start and the common end is compared.
    """
    from difflib import SequenceMatcher

    same = _common(old, new)
    ending = _common(old[same:][::-1], new[same:][::-1])
    offset = max(0, same - CONTEXT)
    drop = max(0, ending - CONTEXT)
    left, right = old[offset : len(old) - drop], new[offset : len(new) - drop]
    if max(len(left), len(right)) <= MAX_COMPARED:
        for group in SequenceMatcher(None, left, right).get_grouped_opcodes(CONTEXT):
            yield offset, list(group)
        return
    start, stop = same - offset, ending - drop
    i, j = len(left) - stop, len(right) - stop
    yield (
        offset,
        [
            ("equal", 0, start, 0, start),
            ("replace", start, i, start, j),
            ("equal", i, len(left), j, len(right)),
        ],
    )


def _common(old: list[str], new: list[str]) -> int:
    pairs = enumerate(zip(old, new, strict=False))
    return next((at for at, (one, two) in pairs if one != two), min(len(old), len(new)))


def _hunk(old: list[str], new: list[str], offset: int, group: list[Opcode]) -> Iterator[str]:
    _, i, _, j, _ = group[0]
    _, _, i_end, _, j_end = group[-1]
    yield f"@@ -{_extent(offset + i, i_end - i)} +{_extent(offset + j, j_end - j)} @@"
    for tag, i, i_end, j, j_end in group:
        if tag == "equal":
            yield from _signed(" ", old[offset + i : offset + i_end])
            continue
        yield from _signed("-", old[offset + i : offset + i_end])
        yield from _signed("+", new[offset + j : offset + j_end])


def _extent(start: int, count: int) -> str:
    """First line and number of lines; an empty extent is that after the line named."""
    if count == 1:
        return str(start + 1)
    return f"{start + (count > 0)},{count}"


def _signed(sign: str, lines: list[str]) -> Iterator[str]:
    for line in lines:
        yield sign + line.removesuffix("\n")
        if not line.endswith("\n"):
            yield NO_NEWLINE


def _is_crlf(lines: list[str]) -> bool:
    return all(line.endswith("\r\n") for line in lines if line.endswith("\n"))


def _shown(lines: list[str], style: Style, *, hide_cr: bool) -> list[str]:
    """The lines for people; where every line ends in CRLF, the CR is no news."""
    if hide_cr:
        lines = [line.removesuffix("\r") for line in lines]
    header = [style.bold(escape(line.rstrip("\t"))) for line in lines[:2]]
    return header + [_painted(escape(line), style) for line in lines[2:]]


def _painted(line: str, style: Style) -> str:
    if line.startswith("@@"):
        return style.cyan(line)
    if line.startswith("-"):
        return style.red(line)
    return style.green(line) if line.startswith("+") else line
