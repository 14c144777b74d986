"""What of the build context the instructions of a file read, and who may need what lies about in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from stagelint.model.context import Context, clean
from stagelint.model.file import File
from stagelint.model.leftovers import Leftover, ups
from stagelint.model.moments import Moment
from stagelint.syntax.validate import mounts
from stagelint.tuples import NamedTuple

_RUNNING = frozenset({"RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK"})
#: Instructions whose text may name a folder.
_SAYING = _RUNNING | {"ENV"}
_NAMED = r"(?<![\w.-]){}(?![\w-])"
#: Another Dockerfile of the context, and a line of it that copies from there.
_DOCKERFILE = r"(?i)(?:\A|/)(?:[^/]+[._-])?(?:docker|container)file(?:[._-][^/]*)?\Z"
_COPIES = r"(?im)^[ \t]*(?:COPY|ADD)[ \t](?!.*--from=).*(?<![\w.-])(?:{})(?![\w-])"
#: So many files and bytes are searched; in more, nothing is known.
_MOST_FILES, _MOST_BYTES = 5000, 32 << 20


class Reader(NamedTuple):
    """A COPY, an ADD or a bind mount, and one thing in the build context that it names."""

    moment: Moment
    source: str
    """A path in the context, clean, which may be a pattern."""
    copies: bool
    """Does it come to lie in a layer?"""

    def brings(self, context: Context, path: str) -> bool:
        """Is *path* in a folder that it names?"""
        named = context.match(self.source)
        return any(each.path == "." or path.startswith(f"{each.path}/") for each in named) or (
            "*" in self.source and any(each.path == path for each in named)
        )

    def names(self, path: str) -> bool:
        """Is *path* what it names, or something in it?"""
        return self.source == path or self.source.startswith(f"{path}/")


def readers(file: File) -> Iterator[Reader]:
    """What reads the build context, in order; not what leaves out a part by `--exclude`."""
    for stage in file.stages:
        for moment in file.moments(stage):
            node = moment.instruction
            if node.keyword in ("COPY", "ADD") and not (node.flag("from") or node.flag("exclude")):
                yield from (Reader(moment, clean(each), True) for each in moment.local_sources)
            elif node.keyword == "RUN":
                yield from (Reader(moment, each, False) for each in _mounted(moment))


def _mounted(run: Moment) -> Iterator[str]:
    for fields in mounts(run.instruction):
        if fields.get("type", "bind") == "bind" and "from" not in fields:
            source = fields.get("source") or fields.get("src") or "."
            yield clean(run.expand(source) or ".")


def needed_by(
    file: File, context: Context, same: Sequence[Leftover], found: Sequence[Leftover]
) -> str:
    """Who may need leftovers that have one name, for a sentence; empty if nobody is known to.

    *found* are all leftovers of the context.
    """
    name, kind = same[0].name, same[0].kind
    if kind.is_of_git:
        reason = asks_git(file, context, found)
    else:
        reason = "" if kind.makers else _named(file, name)
    return reason or _copied_elsewhere(file, context, name)


def _named(file: File, name: str) -> str:
    for stage in file.stages:
        for each in stage.instructions:
            if each.keyword in _SAYING and re.search(_NAMED.format(re.escape(name)), str(each)):
                line = file.source.position(each.code_start).line
                return f"the {each.keyword} of line {line} names it"
    return ""


def _copied_elsewhere(file: File, context: Context, name: str) -> str:
    copies = _COPIES.format(re.escape(name))
    for entry in context.entries:
        if re.search(_DOCKERFILE, entry.path):
            text = context.text(entry.path)
            if text and text != file.source.text and re.search(copies, text):
                return f"`{entry.path}` copies it"
    return ""


# -- git -----------------------------------------------------------------------------------------

#: Words that show that a program looks into `.git`, or runs one that does.
_ASKS_GIT = r"""(?x)
    (?<![\w./-]) \.git (?: / | ["'`\s)] | \Z )
    | ["'`] git ["'`] | \$\(git\s | `git\s
    | \bgit \s+ (?: -C \s+ \S+ \s+ )? (?: branch | cat-file | config | describe | diff | for-each-ref | log
        | ls-files | name-rev | rev-list | rev-parse | show | status | submodule | symbolic-ref | tag ) \b
    | setuptools[-_]scm | use_scm_version | hatch-vcs | versioneer | versioningit | dunamai
    | poetry-dynamic-versioning | \bpbr\b | GitPython | pygit2 | dulwich | git-revision-date
    | git-commit-id | git-properties | jgit | buildnumber-maven-plugin | sbt-git | axion-release
    | (?i: gitversion | minver | nerdbank | sourcelink ) | \bvergen | \bgit2\b | git-version
    | ReadBuildInfo | vcs\.revision | go-git | goreleaser
    | simple-git | isomorphic-git | nodegit | git-rev | git-describe | GitRevision | showLastUpdate
    | grgit | nebula\.release | reckon | enableGitInfo | last-modified-at | \bhusky\b | lefthook | yorkie
"""
#: The same of a script in a Dockerfile.
_GIT = r"(?<![\w./-])\.?git(?![\w.-])|goreleaser|(?<![\w./-])nix\s"
#: Compilers that write the commit into what they make: go.dev/ref/mod (`-buildvcs`), and .NET since 8.
_STAMPS = r"(?<![\w./-])(?:go\s+(?:build|install|run)|dotnet\s+(?:build|pack|publish|run))(?![\w-])"
_UNSTAMPED = "-buildvcs=false"
#: What is text for people, for other machines, or names whatever is installed.
_UNREAD = (
    r"(?i)(?:\A|/)(?:\.github|\.circleci|\.ci|\.husky|docs?)/|\.(?:md|rst|adoc|html?|svg|lock|sum|map)\Z"
    r"|(?:\A|/)(?:\.git\w+|\.[\w-]*ignore|\.(?:gitlab-ci|travis|pre-commit-config|drone)\.ya?ml|\.dockerignore"
    r"|package-lock\.json|npm-shrinkwrap\.json|pnpm-lock\.yaml|renovate\.json5?|changelog.*"
    r"|licen[sc]e.*|(?:[^/]+\.)?dockerfile.*|(?:docker-)?compose.*\.ya?ml)\Z"
)


def asks_git(file: File, context: Context, others: Sequence[Leftover]) -> str:
    """Who may look into `.git`, for a sentence; empty if nobody is known to.

    What lies in *others* is not searched.
    """
    for stage in file.stages:
        for each in stage.instructions:
            if each.keyword not in _RUNNING:
                continue
            line = file.source.position(each.code_start).line
            if re.search(_GIT, each.script):
                return f"the {each.keyword} of line {line} names git, or what asks it"
            if re.search(_STAMPS, each.script) and _UNSTAMPED not in each.script:
                return f"the {each.keyword} of line {line} may write the commit into the program"
    folders = {each.path for each in others}
    searched = [
        entry
        for entry in context.entries
        if not (entry.is_folder or entry.is_link or re.search(_UNREAD, entry.path))
        and folders.isdisjoint(ups(entry.path))
    ]
    if len(searched) > _MOST_FILES or sum(each.size for each in searched) > _MOST_BYTES:
        return "there are too many files to search them for what asks git"
    for entry in searched:
        found = re.search(_ASKS_GIT, context.text(entry.path) or "")
        if found:
            return f"`{entry.path}` names git, or what asks it"
    return ""
