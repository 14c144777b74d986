"""Which files commits change, as git has it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from stagelint.changes import Repository
from stagelint.tuples import NamedTuple

#: No program of the repository is run: none that compares, and none that checks a signature.
_SAFE = ("--no-ext-diff", "--no-textconv", "--no-renames", "--name-only", "-z", f"-O{os.devnull}")


class Commit(NamedTuple):
    """A commit on the first line of descent."""

    digest: str
    names: list[str]
    """The files that it changes, adds or takes away, from the root of the repository; of a merge all
    that came in by it."""


def last(repository: Repository, count: int) -> list[Commit]:
    """The last *count* commits of what is checked out, the newest first. Raises `ChangesError`."""
    mainline = ("--first-parent", "--diff-merges=first-parent", "--no-show-signature", "--no-notes")
    output = repository.git("log", *_SAFE, *mainline, f"--max-count={count}", "--format=%x01%H")
    return list(_commits(output))


def _commits(output: str) -> Iterator[Commit]:
    digest, names = "", list[str]()
    for word in output.split("\0"):
        if re.match(r"\x01[0-9a-f]{40,64}\Z", word):
            if digest:
                yield Commit(digest, names)
            digest, names = word[1:], []
        elif word:
            names.append(word if names else word.removeprefix("\n"))
    if digest:
        yield Commit(digest, names)


def unlike(repository: Repository, commit: str) -> list[str]:
    """The files that are not what they are in *commit*, from the root of the repository.

    Those that are gone and those that git does not know are among them. Raises `ChangesError`.
    """
    options = ("--no-relative", "--ignore-submodules=all")
    output = repository.git("diff", *_SAFE, *options, commit, "--")
    return [*filter(None, output.split("\0")), *repository.unknown()]


def text(repository: Repository, commit: str, name: str) -> str | None:
    """What the file *name*, from the root, said in *commit*; None if it was not there.

    Raises `ChangesError`.
    """
    status, output, _ = repository.ask("cat-file", "blob", f"{commit}:{name}")
    return None if status else output
