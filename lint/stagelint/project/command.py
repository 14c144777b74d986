"""Command lines that build images: `docker build`, `buildx bake`, `podman`, `buildah`, `kaniko` ..."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from stagelint.model.project import UNKNOWN, Build, Value
from stagelint.project import paths
from stagelint.project.text import Text, or_none

#: A file with none of these has no command line of interest.
TELLING = ("docker", "podman", "buildah", "nerdctl", "buildx", "kaniko", "finch", "depot")

_PREFIXES = frozenset(
    (
        "sudo",
        "env",
        "cross-env",
        "exec",
        "time",
        "command",
        "nice",
        "retry",
        "eval",
        "xargs",
        "run",
        "nohup",
        "@",
    )
)
_ENGINES = frozenset(("docker", "podman", "nerdctl", "finch", "depot", "docker.exe", "img"))
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


def builds(words: Sequence[Text], asker: Asker) -> Iterator[Build]:
    """The builds that a command of these *words* asks for; it need not be one of a builder."""
    found = _recognised(words)
    if found is None:
        return
    program, rest = found
    options = _options(rest)
    whole = words[0]
    if program == "bake":
        yield from _overridden(options, asker, whole)
        return
    is_kaniko = program == "kaniko"
    contexts = (
        options.get("context") if is_kaniko else [each.strip() for each in options.others[:1]]
    )
    files = options.get("dockerfile") if is_kaniko else options.get("file", "f")
    targets: list[Text | None] = [*options.get("target")] or [None]
    if options.open:
        targets.append(_unknown(options.open[0]))
    for target in targets:
        for context in or_none(contexts):
            for file in or_none(files):
                yield _build(options, asker, whole, context, file, target, in_context=is_kaniko)


def _build(
    options: _Options,
    asker: Asker,
    whole: Text,
    context: Text | None,
    file: Text | None,
    target: Text | None,
    *,
    in_context: bool,
) -> Build:
    is_piped = (file is None and context is not None and context.text == "-") or (
        file is not None and file.text in ("-", "/dev/stdin")
    )
    if is_piped or (context is None and file is None):
        where: tuple[Value, ...] = (_unknown(whole).value,)
    else:
        where = paths.dockerfiles(asker.base, context, file, whole, in_context=in_context)
    return Build(
        asker.kind,
        asker.label,
        whole.source,
        whole.span,
        where,
        is_placed=asker.base.is_certain and context is not None and not options.open,
        target=target.value if target else None,
        args=_names(options.get("build-arg")),
        contexts=_names(options.get("build-context")),
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
                (_unknown(whole).value,),
                target=value.value,
            )


def _unknown(text: Text) -> Text:
    return Text.unknown(text.source, text.span)


def _names(values: Sequence[Text]) -> tuple[Value, ...]:
    """What stands before `=`."""
    return tuple(value.partition("=")[0].value for value in values)


def _listed(values: Sequence[Text]) -> tuple[Value, ...]:
    return tuple(name.value for value in values for name in value.split(r"\s*,\s*"))


def _recognised(words: Sequence[Text]) -> tuple[str, Sequence[Text]] | None:
    """`build`, `bake` or `kaniko`, and the words behind; None if it is something else."""
    at = 0
    while at < len(words) and (words[at].text in _PREFIXES or _is_prefix(words[at].text)):
        at += 1
    if at == len(words):
        return None
    program = posixpath.basename(words[at].text)
    rest = words[at + 1 :]
    if program in ("executor", "kaniko") and "kaniko" in words[at].text:
        return "kaniko", rest
    if program == "buildah":
        rest = _behind_global(rest)
        return ("build", rest[1:]) if rest and rest[0].text in _BUILD else None
    if program in ("docker-buildx", "buildx"):
        return _subcommand(_behind_global(rest))
    if program in _ENGINES:
        return _subcommand(_behind_global(rest))
    if UNKNOWN in words[at].text and len(rest) > 1:  # $(DOCKER) build
        found = _subcommand(_behind_global(rest))
        return found if found and _looks_like_a_build(found[1]) else None
    return None


def _is_prefix(word: str) -> bool:
    """`NAME=value` in front of a command, an option of `env` or `sudo`."""
    return word.startswith("-") or bool(re.match(r"[A-Za-z_]\w*=", word))


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


def _subcommand(words: Sequence[Text]) -> tuple[str, Sequence[Text]] | None:
    if words and words[0].text in _BUILD:
        return "build", words[1:]
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
                value = _unknown(words[at]) if words[at].text in _MARKED else words[at]
                at += 1
        elif value is None and _is_joined_short(name.text):
            name, value = name[:2], name[2:]
        if value is not None:
            found.named.setdefault(name.text.lstrip("-"), []).append(value)
    return _where_the_context_is(found)


def _where_the_context_is(found: _Options) -> _Options:
    """The last word that is not known is the context if no other one is."""
    if not found.others and found.open and found.open[-1].text == PERHAPS_SEVERAL:
        return found._replace(others=found.open[-1:], open=found.open[:-1])
    return found


def _is_joined_short(name: str) -> bool:
    """`-fDockerfile`, `-tname`."""
    return len(name) > 2 and name[0] == "-" and name[1] in "ft" and name[1] != "-"
