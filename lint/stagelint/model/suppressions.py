"""Comments that silence rules, and where: stagelint's own, hadolint's, BuildKit's directive."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum

from stagelint.source import Source, Span
from stagelint.syntax.nodes import Dockerfile
from stagelint.tuples import NamedTuple
from stagelint.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from stagelint.model.pragmas import Mistake

COMMENT = r"(?:#|//)[ \t]*stagelint:[ \t]*(file-ignore|ignore)[ \t]*\[([^\]\r\n]*)\]"
SELECTOR = r"[^\s,]+"

#: The checks of BuildKit v0.25.2, as `skip` and `experimental` name them.
CHECKS = (
    "ConsistentInstructionCasing",
    "CopyIgnoredFile",
    "DuplicateStageName",
    "ExposeInvalidFormat",
    "ExposeProtoCasing",
    "FromAsCasing",
    "FromPlatformFlagConstDisallowed",
    "InvalidBaseImagePlatform",
    "InvalidDefaultArgInFrom",
    "InvalidDefinitionDescription",
    "JSONArgsRecommended",
    "LegacyKeyValueFormat",
    "MaintainerDeprecated",
    "MultipleInstructionsDisallowed",
    "NoEmptyContinuation",
    "RedundantTargetPlatform",
    "ReservedStageName",
    "SecretsUsedInArgOrEnv",
    "StageNameCasing",
    "UndefinedArgInFrom",
    "UndefinedVar",
    "WorkdirRelativePath",
)
EVERY_CHECK = "all"

#: The rules that hadolint's `ignore` can name.
CODE = r"(?:DL|SC)\d{4}\Z"


class Owner(StrEnum):
    """Whose language a suppression is written in."""

    STAGELINT = "stagelint"
    HADOLINT = "hadolint"
    BUILDKIT = "BuildKit"
    """`# check=skip=`; as a directive, which has no scope, it is part of the build."""


class Suppression(NamedTuple):
    """One selector of such a comment."""

    selector: str
    """A code or a name, as written."""
    span: Span
    """Where the selector stands."""
    comment: Span
    """The whole line of the comment."""
    scope: Span | None
    """The text whose findings it silences; None for the whole file."""
    owner: Owner = Owner.STAGELINT
    of_stage: bool = False
    """Is the scope a stage, and no single instruction?"""


class Said(NamedTuple):
    """What the comments of a file say."""

    suppressions: Sequence[Suppression] = ()
    """In order."""
    mistakes: Sequence[Mistake] = ()
    """Comments in the language of others that these do not read."""
    shell: tuple[str, ...] | None = None
    """What hadolint is told to run the RUNs of every stage with."""
    shells: Mapping[int, tuple[str, ...]] = {}
    """The same from an instruction on, by the offset of that."""


def read(tree: Dockerfile) -> Said:
    """What the comments and directives of *tree* say.

    A comment above an instruction, blank lines in between or not, or inside its continuation
    speaks of that instruction.
    """
    text = tree.text
    lowered = text.lower()
    if not any(word in lowered for word in ("stagelint:", "hadolint", "skip")):
        return Said()
    from stagelint.model.comments import Reader  # most files have no such comment

    return Reader(tree).said()


def selectors_at(source: Source, offset: int) -> Iterator[str]:
    """The selectors that silence what stands at *offset* of a file that is no Dockerfile.

    A comment speaks of its line, or if it has one of its own, of the next line.
    """
    if "stagelint:" not in source.text:
        return
    line = source.position(offset).line
    for match in re.finditer(COMMENT, source.text):
        at = source.position(match.start()).line
        is_alone = not source.text[source.line_span(at).start : match.start()].strip()
        if match[1] == "file-ignore" or at == line or (is_alone and at == line - 1):
            yield from re.findall(SELECTOR, match[2])
