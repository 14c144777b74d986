"""Findings as Markdown, for comments on pull requests and `$GITHUB_STEP_SUMMARY`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stagelint.report.interchange import Run, by_path, message
from stagelint.report.parts import is_applicable, plural
from stagelint.report.summary import by_severity
from stagelint.report.terminal import escape
from stagelint.rule import Finding

#: Characters after which no more findings are listed: a comment on GitHub has 65,536 at most.
MAX_LENGTH = 60_000
#: A word that Markdown leaves alone, wherever it stands.
_PLAIN = r"[\w.,;:!?'\"()%/=-]*"
#: What makes a word a link, a mention or emphasis all the same.
_MARKED = r"://|[^\W\d]\.[^\W\d]|(?<!\w)_|_(?!\w)|^(?:\d+[.)]|-+|=+)$"


def render(run: Run) -> Iterator[str]:
    """A heading and a list for each file; text from files adds no link, element or mention."""
    yield f"### stagelint: {by_severity(run.findings) or 'no findings'}"
    explained: set[str] = set()
    length = shown = 0
    for path, findings in by_path(run.findings).items():
        head = ["", f"**{code(escape(path))}**", ""]
        for finding in findings:
            lines = [*head, _item(finding, explain=finding.code not in explained)]
            explained.add(finding.code)
            length += sum(map(len, lines)) + len(lines)
            if length > MAX_LENGTH:
                yield f"\nand {plural(len(run.findings) - shown, 'finding')} more"
                return
            yield from lines
            head, shown = [], shown + 1


def _item(finding: Finding, *, explain: bool) -> str:
    line = finding.source.position(finding.span.start).line
    name = escape(f"{finding.code} {finding.name}").strip()
    offer = " (`--fix` mends it)" if is_applicable(finding.fix, unsafe=False) else ""
    why = f"<br>{prose(escape(finding.why))}" if explain and finding.why else ""
    said = prose(message(finding))
    return f"- line {line}: **{finding.severity}** {code(name)} {said}{offer}{why}"


def prose(text: str) -> str:
    """*text* on one line: what stands between backticks, and every word that would be more than a
    word in Markdown, becomes code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # the last backtick has no partner
        parts[-2:] = ["`".join(parts[-2:])]
    found = ""
    for number, part in enumerate(parts):
        shown = code(part) if number % 2 else " ".join(map(_word, part.split(" ")))
        # Two code spans that touch would be read as one that ends elsewhere.
        found += " " + shown if found.endswith("`") and shown.startswith("`") else shown
    return found


def _word(text: str) -> str:
    if re.fullmatch(_PLAIN, text) and not re.search(_MARKED, text):
        return text
    return code(text)


def code(text: str) -> str:
    """*text*, which has no newlines, as a code span; nothing if it is empty."""
    if not text:
        return ""
    longest = max(map(len, re.findall("`+", text)), default=0)
    if not longest:
        return f"`{text}`"
    fence = "`" * (longest + 1)
    return f"{fence} {text} {fence}"
