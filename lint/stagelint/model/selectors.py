"""What the source of a COPY, an ADD or a mount selects: which change of which path it sees.

Facts of BuildKit v0.25.2, observed: `tests/test_rebuild.py` has a line for each, and
`tests/builder/test_impact.py` asks a real one.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from stagelint.model.context import Context, clean
from stagelint.model.dockerignore import DockerIgnore, matcher
from stagelint.source import Source
from stagelint.tuples import NamedTuple


class _Pattern(NamedTuple):
    parts: list[str | re.Pattern[str]]
    is_link: bool = False
    """Is it a link on the way, of which nothing but the link itself is read?"""


class Selector:
    """One source, in the build context or among the files of a stage."""

    def __init__(
        self, source: str, excludes: Sequence[str] = (), context: Context | None = None
    ) -> None:
        """*excludes* are the values of `--exclude`; *context* tells which paths are links."""
        self._context = context
        # From the top none leads down: `/x` excludes nothing.
        kept = [each for each in excludes if not each.startswith("/")]
        self._excludes = DockerIgnore(Source("", "\n".join(kept))) if kept else None
        self._patterns = list(_patterns(clean(source), context))

    def root(self, path: str) -> str | None:
        """What the source names of which *path* is a part; None if it does not read *path*.

        That is *path*, or the folder that is named. A folder that lies above what is named, and of
        which nothing is known but that it changed, is read as a whole.
        """
        path = clean(path)
        names = [] if path == "." else path.split("/")
        for pattern in self._patterns:
            if not all(map(_is_called, pattern.parts, names)):  # as far as both go
                continue
            if len(names) < len(pattern.parts) and not self._may_be_folder(path):
                continue
            root = "/".join(names[: len(pattern.parts)]) or "."
            if not self._is_excluded(path, root) and not (pattern.is_link and root != path):
                return root
        return None

    def _may_be_folder(self, path: str) -> bool:
        """In the context what is gone was a file, as git has it."""
        if self._context is None:
            return True
        found = self._context.find(path)
        return found is not None and found.is_folder

    def _is_excluded(self, path: str, root: str) -> bool:
        """`--exclude` is about what lies in a named folder, never about what is named itself."""
        if self._excludes is None or path == root:
            return False
        return self._excludes.leaves_out(posixpath.relpath(path, root))


def _patterns(source: str, context: Context | None) -> Iterator[_Pattern]:
    """*source* by its parts, then what it leads to through links."""
    parts = [] if source == "." else source.split("/")
    plain = next((at for at, part in enumerate(parts) if re.search(r"[*?\[\\]", part)), len(parts))
    if context is None:
        yield from _compiled(parts, plain)
        return
    ways = [(parts[:plain], parts[plain:])]
    if plain < len(parts):
        ways += [(each.path.split("/"), []) for each in context.match(source) if each.is_link]
    for named, rest in ways:
        *links, behind = context.followed("/".join(named))
        for link in links:
            yield _Pattern([*link.split("/")], is_link=True)
        found = [] if behind == "." else behind.split("/")
        yield from _compiled([*found, *rest], len(found))


def _compiled(parts: list[str], plain: int) -> Iterator[_Pattern]:
    """The first *plain* of the *parts* are names, the others patterns; none that cannot be read."""
    patterns = [matcher(part) for part in parts[plain:]]
    known = [each for each in patterns if each is not None]
    if len(known) == len(patterns):
        yield _Pattern([*parts[:plain], *known])


def _is_called(part: str | re.Pattern[str], name: str) -> bool:
    return part == name if isinstance(part, str) else bool(part.match(name))
