"""Shell scripts, by their name or their first line."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stagelint.model.project import Build
from stagelint.project import paths, script
from stagelint.project.command import Asker
from stagelint.project.files import Files
from stagelint.project.text import Text
from stagelint.source import Source

_ENDINGS = (".sh", ".bash", ".zsh", ".ksh", ".bats")
_SHEBANG = re.compile(r"#!.*\b(?:ba|z|k|da|a)?sh\b")


def read(source: Source, files: Files) -> Iterator[Build]:
    """The builds of a script; it is run in the root of the repository or beside itself."""
    path = files.path_of(source)
    if path.lower().endswith(_ENDINGS) or _SHEBANG.match(source.text):
        yield from script.builds(Text.of(source), Asker("shell", "", paths.at_root(path)))
