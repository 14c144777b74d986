"""Which lines have changed, as git has it: since a commit, or those that are staged."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from stagelint import discover
from stagelint.tuples import NamedTuple

#: What git compares, and how: no program of the repository, nothing that its configuration changes.
_DIFF = (
    "diff",
    "--unified=0",
    "--inter-hunk-context=0",
    "--find-renames",
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--text",
    f"-O{os.devnull}",
    "--no-relative",
    "--submodule=short",
    "--ignore-submodules=all",
    "--src-prefix=a/",
    "--dst-prefix=b/",
    "--diff-filter=d",
)
#: How the part of a file begins.
_NEXT = "diff --"
_HUNK = re.compile(r"@@ -\d+(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@")
_ESCAPE = re.compile(r'\\([abtnvfr"\\]|[0-7]{3})')
_SIGNS = dict(zip("abtnvfr", "\a\b\t\n\v\f\r", strict=True))


class ChangesError(Exception):
    """What has changed cannot be told; the message is one line for the user."""


class Changed(NamedTuple):
    """The lines of a file that are others."""

    lines: frozenset[int] = frozenset()
    """1-based."""
    gaps: frozenset[int] = frozenset()
    """Lines below which others were taken away; 0 for the first."""
    is_new: bool = False
    """Does git not know the file?"""

    def touches(self, first: int, last: int) -> bool:
        """Has something from line *first* to *last* changed?"""
        span = range(first, last + 1)
        return self.is_new or any(
            at in self.lines or (at in self.gaps and at < last) for at in span
        )

    def without(self, other: Changed) -> Changed:
        """What has changed here and not there."""
        return Changed(self.lines - other.lines, self.gaps - other.gaps)

    def __bool__(self) -> bool:
        return bool(self.lines or self.gaps or self.is_new)


class Repository:
    """A git repository, asked so that nothing it configures is run."""

    def __init__(self, root: str) -> None:
        """*root* is the folder it lies in. Raises `ChangesError`."""
        self.root = root
        self._index: str | None = None
        self._settings = ["core.quotePath=false"]
        self._settings += self._without_filters()

    def base(self, name: str) -> str:
        """Where the histories of *name* and of what is checked out part. Raises `ChangesError`."""
        given = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        status, output, errors = self.ask(*given)
        if status:
            reason = f": {_first(errors)}" if errors.strip() else ""
            raise ChangesError(f"there is no commit `{name}` in {self.root}{reason}")
        status, base, _ = self.ask("merge-base", output.strip(), "HEAD")
        if status:
            is_shallow = self.git("rev-parse", "--is-shallow-repository").strip() == "true"
            hint = "; the clone is shallow: git fetch --unshallow" if is_shallow else ""
            raise ChangesError(f"`{name}` and HEAD have no commit in common{hint}")
        return base.split()[0]

    def unknown(self) -> list[str]:
        """The files that git neither knows nor ignores, from the root. Raises `ChangesError`."""
        listing = self.git("ls-files", "-z", "--others", "--exclude-standard", "--full-name")
        return [name for name in listing.split("\0") if name]

    def full(self, name: str) -> str:
        """The real path of the folder of a file, with its name: a link is not followed."""
        folder, base = os.path.split(os.path.join(self.root, name))
        return os.path.join(os.path.realpath(folder), base)

    def git(self, *arguments: str) -> str:
        """What git prints. Raises `ChangesError` if it fails."""
        status, output, errors = self.ask(*arguments)
        if status:
            raise ChangesError(f"git {arguments[0]}: {_first(errors) or f'status {status}'}")
        return output

    def ask(self, *arguments: str) -> tuple[int, str, str]:
        """Status, output and errors of git. Raises `ChangesError` if it cannot be started."""
        try:
            return discover.git(self.root, *arguments, settings=self._settings, index=self._index)
        except OSError as error:
            raise ChangesError(error.strerror or str(error)) from None

    def _without_filters(self) -> list[str]:
        """Settings with which no filter of the repository runs where files are compared."""
        keys = r"^filter\..*\.(clean|smudge|process|required)$"
        _, output, _ = self.ask("config", "--null", "--name-only", "--get-regexp", keys)
        drivers = {key[: key.rindex(".")] for key in output.split("\0") if key}
        for each in drivers:
            if "=" in each:  # which `-c` takes for the end of the name
                raise ChangesError(f"the configuration of git has a filter with `=`: {each}")
        values = ("clean=", "smudge=", "process=", "required=false")
        return [f"{each}.{value}" for each in sorted(drivers) for value in values]


class Changes(Repository):
    """What has changed in a repository."""

    def __init__(self, root: str, since: str | None) -> None:
        """In the repository in the folder *root*, in files as they lie there.

        Since *since* and what is checked out parted, staged or not, with the files that git does
        not know; if None, what is staged. Raises `ChangesError`.
        """
        super().__init__(root)
        self._since = since
        self._index = self._index_of_hook()
        self._files = self._staged() if since is None else self._unlike(self.base(since))

    def of(self, path: str) -> Changed | None:
        """What has changed in the file *path*; None if nothing has."""
        return self._files.get(os.path.realpath(path))

    def again(self) -> Changes:
        """The same, now that files were written."""
        return Changes(self.root, self._since)

    def _staged(self) -> dict[str, Changed]:
        """Of what is not so in the commit, that which the index has as well."""
        unstaged = self._diff()
        found = {
            path: changed.without(unstaged.get(path, Changed()))
            for path, changed in self._diff(self._head()).items()
        }
        return {path: changed for path, changed in found.items() if changed}

    def _unlike(self, commit: str) -> dict[str, Changed]:
        unknown = {self.full(name): Changed(is_new=True) for name in self.unknown()}
        return self._diff(commit) | unknown

    def _diff(self, *commit: str) -> dict[str, Changed]:
        """What of the files is not so in *commit*, or in the index."""
        return {self.full(name): each for name, each in read_patch(self.git(*_DIFF, *commit, "--"))}

    def _head(self) -> str:
        """The commit that is checked out; without one yet, a tree without files."""
        status, output, _ = self.ask("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        found = self.git("hash-object", "-t", "tree", "--stdin") if status else output
        return found.strip()

    def _index_of_hook(self) -> str | None:
        """What `git commit -a` is about to commit lies in an index of its own, as hooks are told."""
        given = os.environ.get("GIT_INDEX_FILE")
        if not given:
            return None
        path = os.path.realpath(given)
        folder = self.git("rev-parse", "--absolute-git-dir").rstrip("\n")
        return path if os.path.dirname(path) == os.path.realpath(folder) else None


def _first(errors: str) -> str:
    return next(iter(errors.strip().splitlines()), "")


def read_patch(output: str) -> Iterator[tuple[str, Changed]]:
    """The files of a patch without context, and their lines."""
    given = [*output.split("\n"), _NEXT]
    lines = iter(given)
    name = ""
    changed: set[int] = set()
    gaps: set[int] = set()
    for line in lines:
        if line.startswith(_NEXT):
            if name:
                yield name, Changed(frozenset(changed), frozenset(gaps))
            name, changed, gaps = "", set[int](), set[int]()
        elif line.startswith("+++ "):
            name = _unquoted(line[4:].removesuffix("\t"))[2:]
        elif hunk := _HUNK.match(line):
            removed, start, added = (int(each or 1) for each in hunk.groups())
            changed.update(range(start, start + min(added, len(given))))
            if not added:
                gaps.add(start)
            _pass_over(lines, removed + added)


def _pass_over(lines: Iterator[str], count: int) -> None:
    """Pass over so many lines of files, which may look like anything."""
    while count and (line := next(lines, None)) is not None:
        count -= not line.startswith("\\")  # no newline at the end


def _unquoted(name: str) -> str:
    """*name* as git writes it if it has quotes, backslashes or control characters."""
    if not name.startswith('"'):
        return name
    return _ESCAPE.sub(lambda match: _sign(match[1]), name[1:-1])


def _sign(code: str) -> str:
    return chr(int(code, 8)) if code.isdigit() else _SIGNS.get(code, code)
