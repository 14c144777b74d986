"""Findings as logging commands of Azure Pipelines, which knows no less than a warning."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stagelint.fingerprints import relative
from stagelint.report.interchange import Run, message, word, worst_first

#: What the agent would read as a character that is escaped.
_ESCAPES = r"%(?=(?:3B|0D|0A|5D|AZP25))"


def render(run: Run) -> Iterator[str]:
    """One `##vso[task.logissue]` a finding, worst first; paths are relative to the repository."""
    for finding in worst_first(run.findings):
        line, column = finding.source.position(finding.span.start)
        properties = {
            "type": word("azure", finding.severity),
            "sourcepath": relative(finding.source.path, run.root),
            "linenumber": line,
            "columnnumber": column,
            "code": finding.code,
        }
        listed = "".join(f"{key}={_property(str(value))};" for key, value in properties.items())
        yield f"##vso[task.logissue {listed}]{_data(message(finding))}"


def _data(text: str) -> str:
    """What the agent turns into *text*. It decodes `%AZP25` unless a pipeline forbids it."""
    text = re.sub(_ESCAPES, "%AZP25", text)
    return text.replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(";", "%3B").replace("]", "%5D")
