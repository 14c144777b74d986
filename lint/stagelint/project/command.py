"""Command lines that build images: `docker build`, `buildx bake`, `podman`, `buildah`, `kaniko` ..."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from stagelint.model.project import UNKNOWN, Build, Value
from stagelint.project import paths
from stagelint.project.text import Text, or_none
from stagelint.tuples import NamedTuple

#: A file with none of these has no command line of interest.
TELLING = ("docker", "podman", "buildah", "nerdctl", "buildx", "kaniko", "finch", "depot")

_PREFIXES = frozenset(
    "sudo doas env exec time command nice ionice timeout retry eval xargs parallel run nohup "
    "stdbuf unbuffer chronic caffeinate cross-env dotenv dotenvx @".split()
)
#: These add words that are read while they run.
_ADDING = frozenset(("xargs", "parallel"))
#: An engine stands so far behind such a word at most.
_FAR = 12
ENGINES = frozenset(
    ("docker", "podman", "buildah", "buildx", "nerdctl", "finch", "depot", "docker.exe", "img")
)
_BUILD = frozenset(("build", "bud", "build-using-dockerfile", "b"))

#: Options of the engines before `build` that take a value.
_GLOBAL = frozenset(
    "--context -c --config -H --host -l --log-level --builder --namespace -n --root --runroot "
    "--storage-driver --storage-opt --connection --url --cgroup-manager --address".split()
)
#: Options of builds that take none; all others do, as `--name value` or `--name=value`.
_SWITCHES = frozenset(
    "--no-cache --pull --push --load --quiet -q --rm --force-rm --squash --compress --debug -D "
    "--check --disable-content-trust --layers --tls-verify --squash-all --all-platforms --help "
    "--identity-label --omit-history --stdin --skip-unused-stages --inherit-labels --no-hosts "
    "--no-hostname --pull-always --pull-never --save --single-snapshot --cleanup --reproducible "
    "--no-push --insecure --skip-tls-verify --use-new-run --verbose --progress-plain --allow-privileged".split()
)

#: Words that are not known, and may be several: `$ARGS`, and for sure `"$@"`.
PERHAPS_SEVERAL, SEVERAL = f"{UNKNOWN} ", f"{UNKNOWN}  "
_MARKED = frozenset((PERHAPS_SEVERAL, SEVERAL))


class Asker(NamedTuple):
    """The file and the place in it that a command line stands in."""

    kind: str
    label: str
    base: paths.Base


class _Options(NamedTuple):
    """The options of a build, by their names without hyphens, and the other words."""

    named: dict[str, list[Text]]
    others: list[Text]
    open: list[Text]
    """Words that may be any option."""

    def get(self, *names: str) -> list[Text]:
        return [value for name in names for value in self.named.get(name, ())]


def builds(words: Sequence[Text], asker: Asker, place: Text | None = None) -> Iterator[Build]:
    """The builds that a command of these *words* asks for; it need not be one of a builder.

    *place* is where the command stands, by default what is between its first and its last word.
    """
    if words and words[0].text in _ADDING:  # what parallel adds stands behind `:::`
        end = next((at for at, word in enumerate(words) if word.text[:3] == ":::"), len(words))
        words = words[:end]
    found = _recognised(words)
    if found is None:
        return
    program, rest = found
    options = _options(rest)
    whole = place or Text([*words[0].pieces, *words[-1].pieces], words[0].place)
    if program == "bake":
        yield from _overridden(options, asker, whole)
        return
    is_kaniko = program == "kaniko"
    looks_around = program != "docker"
    contexts = [each.strip() for each in options.others[:1]]
    if is_kaniko:
        contexts = _kaniko_contexts(options)
    files = options.get("dockerfile", "f") if is_kaniko else options.get("file", "f")
    targets: list[Text | None] = [*options.get("target")] or [None]
    if options.open or words[0].text in _ADDING:
        targets.append((options.open[0] if options.open else whole).as_unknown())
    for target in targets:
        for context in or_none(contexts):
            for file in or_none(files):
                yield _build(
                    options, asker, whole, context, file, target, looks_around=looks_around
                )


def _kaniko_contexts(options: _Options) -> list[Text]:
    """Folders are written as `dir://FOLDER` as well."""
    found = [
        each[len("dir://") :] if each.text.startswith("dir://") else each
        for each in options.get("context", "c")
    ]
    for below in options.get("context-sub-path"):
        slash = Text([below.pieces[0]._replace(text="/")])
        found = [each + slash + below for each in found]
    return found


def _build(
    options: _Options,
    asker: Asker,
    whole: Text,
    context: Text | None,
    file: Text | None,
    target: Text | None,
    *,
    looks_around: bool,
) -> Build:
    """*looks_around* says that the builder looks for the Dockerfile in more than one place."""
    is_piped = (context is not None and context.text == "-") or (
        file is not None and file.text in ("-", "/dev/stdin")
    )
    if is_piped or (context is None and file is None):
        where: tuple[Value, ...] = (whole.as_unknown().value,)
    else:
        where = paths.dockerfiles(asker.base, context, file, whole, in_context=False)
        if looks_around and file is None:
            default = Text([whole.pieces[0].cut(0, 0)._replace(text="Containerfile")])
            where = paths.dockerfiles(asker.base, context, default, whole, in_context=True) + where
        elif looks_around:
            where += paths.dockerfiles(asker.base, context, file, whole, in_context=True)
    return Build(
        asker.kind,
        asker.label,
        whole.source,
        whole.span,
        where,
        is_placed=asker.base.is_certain
        and context is not None
        and not options.open
        and not looks_around,
        target=target.value if target else None,
        args=_names(options.get("build-arg"), whole),
        contexts=_names(options.get("build-context"), whole),
        uncached=_listed(options.get("no-cache-filter")),
    )


def _overridden(options: _Options, asker: Asker, whole: Text) -> Iterator[Build]:
    """`bake --set TARGET.target=NAME`, of whatever Dockerfile."""
    for word in options.get("set"):
        name, value = word.partition("=")
        if value is not None and name.text.endswith(".target"):
            yield Build(
                asker.kind,
                asker.label,
                whole.source,
                whole.span,
                (whole.as_unknown().value,),
                target=value.value,
            )


def _names(values: Sequence[Text], whole: Text) -> tuple[Value, ...]:
    """What stands before `=`."""
    start, end = whole.span
    found: list[Value] = []
    for value in values:
        name = value.partition("=")[0].value
        is_here = name.source is whole.source and start <= name.span.start <= name.span.end <= end
        found.append(name._replace(is_shared=not is_here))
    return tuple(found)


def _listed(values: Sequence[Text]) -> tuple[Value, ...]:
    return tuple(name.value for value in values for name in value.split(r"\s*,\s*"))


def _recognised(words: Sequence[Text]) -> tuple[str, Sequence[Text]] | None:
    """`docker`, `buildah`, `bake` or `kaniko`, and the words behind; None if it is something else.

    What may be any engine is taken for `buildah`, of which less is certain.
    """
    at = behind_prefixes(words)
    if at == len(words):
        return None
    program = posixpath.basename(words[at].text)
    rest = words[at + 1 :]
    if program in ("executor", "kaniko") and "kaniko" in words[at].text:
        return "kaniko", rest
    if program == "buildah":
        rest = _behind_global(rest)
        return ("buildah", rest[1:]) if rest and rest[0].text in _BUILD else None
    if program in ("podman", "nerdctl"):
        return _subcommand(rest, "buildah")
    if program in ("docker-buildx", "buildx", *ENGINES):
        return _subcommand(rest, "docker")
    if UNKNOWN in words[at].text and len(rest) > 1:  # $(ENGINE) build
        found = _subcommand(rest, "buildah")
        return found if found and _looks_like_a_build(found[1]) else None
    return None


def behind_prefixes(words: Sequence[Text]) -> int:
    """Where the command begins that `sudo -u somebody`, `timeout 100` and their like run."""
    if not words or posixpath.basename(words[0].text) not in _PREFIXES:
        return 0
    programs = {*ENGINES, "docker-buildx", "executor", "kaniko"}
    for at, word in enumerate(words[1:_FAR], 1):
        if posixpath.basename(word.text) in programs or UNKNOWN in word.text:
            return at
    at = 1
    while at < len(words) and re.match(r"-|[A-Za-z_]\w*=|[\w./-]+$", words[at].text):
        if posixpath.basename(words[at].text) not in _PREFIXES and words[at].text[0] != "-":
            return at
        at += 1
    return at


def _looks_like_a_build(words: Sequence[Text]) -> bool:
    known = ("-t", "-f", "--tag", "--file", "--target", "--build-arg", "--push", "--load")
    return any(word.text.partition("=")[0] in known for word in words)


def _behind_global(words: Sequence[Text]) -> Sequence[Text]:
    at = 0
    while at < len(words) and words[at].text.startswith("-"):
        at += 2 if words[at].text in _GLOBAL else 1
    while at < len(words) and words[at].text in ("buildx", "image", "builder"):
        at += 1
        while at < len(words) and words[at].text.startswith("-"):
            at += 2 if words[at].text in _GLOBAL else 1
    return words[at:]


def _subcommand(words: Sequence[Text], engine: str) -> tuple[str, Sequence[Text]] | None:
    words = _behind_global(words)
    if words and words[0].text in _BUILD:
        return engine, words[1:]
    if words and words[0].text in ("bake", "f"):
        return "bake", words[1:]
    return None


def _options(words: Sequence[Text]) -> _Options:
    found = _Options({}, [], [])
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if not word.text.startswith("-") or word.text == "-":
            is_open = word.text in _MARKED
            (found.open if is_open else found.others).append(word)
            continue
        name, value = word.partition("=")
        if value is None and name.text not in _SWITCHES and not _is_joined_short(name.text):
            if at < len(words):
                value = words[at].as_unknown() if words[at].text in _MARKED else words[at]
                at += 1
        elif value is None and _is_joined_short(name.text):
            name, value = name[:2], name[2:]
        if value is not None:
            found.named.setdefault(name.text.lstrip("-"), []).append(value)
    return _where_the_context_is(found)


def _where_the_context_is(found: _Options) -> _Options:
    """The last word that is not known is the context if no other one is; there is only one."""
    if len(found.others) > 1:
        unknown = [each for each in found.others if each.text == UNKNOWN]
        known = [each for each in found.others if each.text != UNKNOWN] or unknown[-1:]
        return found._replace(others=known, open=[*found.open, *unknown])
    if not found.others and found.open and found.open[-1].text == PERHAPS_SEVERAL:
        return found._replace(others=found.open[-1:], open=found.open[:-1])
    return found


def _is_joined_short(name: str) -> bool:
    """`-fDockerfile`, `-tname`."""
    return len(name) > 2 and name[0] == "-" and name[1] in "ft" and name[1] != "-"
