"""What of the build context a program may read when it runs, so that it goes along.

Sources and documents are left behind; all else is taken along, and of what is left behind that of
which the sources, the command or a variable speak. A program that looks through the folder of its
own sources is refused: `Refused` is raised.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence

from stagelint.model.stacks.plans import Copy, Refused
from stagelint.model.stacks.sources import Placed, Sources

#: More COPYs than these nobody wants to read.
_MOST = 8

#: Documents, and what is for tools of developers.
_IDLE = (
    r"(?i)(?:readme|licen[sc]e|copying|notice|authors|contributors|maintainers|codeowners|change(?:s|log)|"
    r"history|news|contributing|security|code_of_conduct|todo|dockerfile|docker-compose|compose|"
    r"(?:gnu)?makefile|justfile|taskfile|jenkinsfile|vagrantfile|procfile|tiltfile|skaffold)(?:[._-].*)?|"
    r".*\.(?:md|markdown|rst|adoc|dockerfile|mk|sh|bash|bat|cmd|ps1|proto|orig|patch|diff|iml|code-workspace)|"
    r"\.git(?:ignore|attributes|modules|keep)|\.(?:docker|helm|prettier|eslint)ignore|\.editorconfig|"
    r"\.(?:travis|gitlab-ci|golangci|goreleaser|pre-commit-config|codecov|mailmap|cirrus)(?:\.ya?ml)?|"
    r"\.clang-(?:format|tidy)|appveyor\.yml|codecov\.yml|renovate\.json|fly\.toml|cloudbuild\.ya?ml|"
    r"sonar-project\.properties|\.gitkeep|\.keep|\.DS_Store"
)
#: Folders of them.
_IDLE_FOLDERS = frozenset(
    """
    .git .github .gitlab .circleci .vscode .idea .devcontainer .husky doc docs test tests testdata e2e
    example examples bench benches benchmark benchmarks deploy deployment deployments k8s kubernetes
    helm charts terraform ci .ci hack
    """.split()
)

_INCLUDE = re.compile(r"(?m)^[ \t]*#[ \t]*include\b.*$")
_LITERAL = re.compile(r"\"((?:[^\"\\\n]|\\.){1,200})\"|`([^`]{1,200})`|'((?:[^'\\\n]|\\.){1,200})'")
#: The folder that the program runs in, or the one above, is looked through.
_OPENS_ITS_FOLDER = re.compile(
    r"(?i)(?:\bdir|dirfs|readdir|read_dir|walk(?:dir)?|glob|fileserver|opendir|scandir|(?<!\w)file|"
    r"listfiles|paths?\.get|getfiles|enumerate\w+|serve_?dir|statfs)(?:::new|::from)?\s*\(\s*[L@$]*"
    r"\"(?:\.{1,2}/?|/)\""
)


def read(sources: Sources, said: Iterable[str]) -> tuple[Copy, ...]:
    """What is to be copied along, folders as a whole where no source is in them.

    *said* are words that name files, besides those in the sources. Raises `Refused`.
    """
    texts = _literals(sources).union(said)
    words = frozenset(word for each in texts for word in re.split(r"[/\\?#=,:]+", each))
    paths = frozenset(posixpath.normpath(each.partition("=")[2] or each) for each in texts)
    tops: dict[str, None] = {}
    for each in sources.files:
        if _is_needed(each, words, paths, is_source=sources.is_source(each.entry.path)):
            if each.entry.is_link:
                raise Refused(f"`{each.entry.path}` is a link, and the program may follow it")
            tops[_top(each, sources)] = None
    return tuple(_copies([*tops], {each.path for each in sources.files}))


def _literals(sources: Sources) -> frozenset[str]:
    """The texts in the sources."""
    found: set[str] = set()
    for path, text in sources.code:
        text = _INCLUDE.sub("", text)
        found.update(match[1] or match[2] or match[3] for match in _LITERAL.finditer(text))
        opens = _OPENS_ITS_FOLDER.search(text)
        if opens:
            raise Refused(f"`{path}` looks through the folder that it runs in: `{opens[0]}`")
    return frozenset(found)


def _is_needed(
    placed: Placed, words: frozenset[str], paths: frozenset[str], *, is_source: bool
) -> bool:
    path = placed.entry.path
    *folders, name = path.split("/")
    if is_source:
        above = {"/".join(folders[:depth]) for depth in range(2, len(folders) + 1)}
        return not paths.isdisjoint({placed.path, path, *above} - {name})
    idle = _IDLE_FOLDERS.intersection(folders)
    if idle:  # what is in them has names like any
        return not words.isdisjoint(idle)
    return not re.fullmatch(_IDLE, name) or not words.isdisjoint((name, *folders))


def _top(placed: Placed, sources: Sources) -> str:
    """The file, or the highest folder with it that no source lies in and that was copied whole."""
    top, folder = placed.path, posixpath.dirname(placed.path)
    while folder not in sources.mixed and folder not in sources.roots - sources.whole:
        top = folder
        if folder in sources.roots:
            break
        folder = posixpath.dirname(folder)
    return top


def _copies(tops: Sequence[str], files: set[str]) -> Iterator[Copy]:
    """A COPY for each folder, and for all files that lie side by side."""
    beside: dict[str, list[str]] = {}
    folders = [each for each in tops if each not in files]
    for each in tops:
        if each in files:
            beside.setdefault(posixpath.dirname(each), []).append(each)
    if len(folders) + len(beside) > _MOST:
        raise Refused("the program may read many files that lie among its sources")
    yield from (Copy((each,), each) for each in folders)
    for folder, names in beside.items():
        yield Copy(tuple(names), names[0] if len(names) == 1 else f"{folder.rstrip('/')}/")
