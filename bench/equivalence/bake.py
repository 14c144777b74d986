"""What BuildKit makes of Dockerfiles, many in one call of `docker buildx bake`.

**Graphs.** BuildKit identifies a step by a digest of its operation and of everything it is made
from, so the digest of the last one stands for the whole graph. It shows itself as an input of a
step that copies from it: a last target, the *collector*, copies from all the others. BuildKit
draws the whole graph before it runs the first step, so a call ends before anything is run, and
neither files nor commands need exist.

What is read from the build context has a digest that changes from call to call. Only answers of one
call may be compared.

**Configurations.** Digests of steps know nothing of CMD or LABEL. Those who want to compare these
build images, of text that has no step that could fail.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from bench.equivalence.builders import Docker
from bench.equivalence.images import Images
from stagelint.source import encode

#: So many targets fit in one call; with 200, a session times out.
MOST = 48

#: What a user sees of an image's configuration; the rest is of the builder.
CONFIG = (
    *("Env", "Cmd", "Entrypoint", "User", "WorkingDir", "ExposedPorts", "Volumes", "Labels"),
    *("StopSignal", "Shell", "Healthcheck", "OnBuild"),
)
OUTSIDE_OF_CONFIG = ("Author", "Architecture", "Os", "Variant")

_FAILED = re.compile(r"^ERROR: target t(\d+): (?:failed to solve: )?(.*)", re.MULTILINE)
_EMPTY = re.compile(r"unsupported context source target for t(\d+)$", re.MULTILINE)
_COPY = re.compile(r"\[collector .*\] COPY --from=t(\d+) / /\d+$")
_INTERNAL = re.compile(r"\[(?:\S+ )?internal\] ")
_UNAVAILABLE = "failed to resolve source metadata"

#: So often a call is made again whose steps fail before the last graph is told of.
_TRIES = 3

Definition = dict[str, dict[str, Any]]


class Question(NamedTuple):
    """What does a build of *target* make of *text*?"""

    text: str
    target: str = ""
    args: tuple[tuple[str, str], ...] = ()


class Answer(NamedTuple):
    """*kind*: `graph`, `empty` (nothing to run), `config`, `rejected`, `unavailable` (no image)."""

    kind: str
    value: str = ""
    message: str = ""

    @property
    def essence(self) -> tuple[str, str]:
        """What two answers must have in common: not the message."""
        return self.kind, self.value


class TooEarly(Exception):
    """Steps fail before the last graph is told of, again and again; fewer questions help."""


class Said(NamedTuple):
    """What a call told."""

    digests: dict[int, str]
    """Number of a question -> digest of its last step, as the collector saw it."""
    steps: set[str]
    """What was to be run."""
    failed: set[str]
    """What was run, and failed."""
    error: str

    def read(self, line: str) -> None:
        for vertex in json.loads(line).get("vertexes") or ():
            name: str = vertex["name"]
            copy = _COPY.match(name)
            if copy and vertex.get("inputs"):
                self.digests[int(copy[1])] = vertex["inputs"][-1]  # before it is the previous copy
            if not _INTERNAL.match(name):
                self.steps.add(name)
                if vertex.get("error", "context canceled") != "context canceled":
                    self.failed.add(name)


class Bake:
    """Asks a daemon. What is the same in every call is remembered: all but graphs."""

    def __init__(self, daemon: Docker, images: Images) -> None:
        self._daemon = daemon
        self._images = images
        self._folder = daemon.folder / "asked"
        self._numbers = itertools.count()
        self._graphless: dict[Question, Answer] = {}
        self._configs: dict[Question, Answer] = {}
        (self._folder / "context").mkdir(parents=True, exist_ok=True)

    def graphs(
        self, questions: Iterable[Question], expected: Callable[[Question], str] = lambda _: "graph"
    ) -> dict[Question, Answer]:
        """The graph of each, all drawn in one call.

        One that has none fails the whole call; those of which no graph is *expected*, but another
        kind of answer, are asked before and alone. Raises `TooEarly`.
        """
        asked = list(dict.fromkeys(questions))
        self._try_empty(each for each in self._unknown(asked) if expected(each) == "empty")
        for question in self._unknown(asked):
            if expected(question) != "graph":
                self._draw([question])
        answers: dict[Question, Answer] | None = None
        while answers is None:
            answers = self._draw(self._unknown(asked))
        return {each: self._graphless.get(each) or answers[each] for each in asked}

    def _unknown(self, questions: Iterable[Question]) -> list[Question]:
        return [each for each in questions if each not in self._graphless]

    def _try_empty(self, questions: Iterable[Question]) -> None:
        """If there is nothing to run in any, that is quickly known."""
        asked = list(questions)
        if asked:
            definition = _targets(asked)
            said = self._call(asked, definition, *definition)
            if not said.steps and not said.error:
                self._graphless.update(dict.fromkeys(asked, Answer("empty")))

    def configs(self, questions: Iterable[Question]) -> dict[Question, Answer]:
        """The configuration of the image of each, which must have no step that can fail."""
        asked = list(dict.fromkeys(questions))
        while pending := [each for each in asked if each not in self._configs][:MOST]:
            self._build(pending)
        return {each: self._configs[each] for each in asked}

    def _draw(self, questions: Sequence[Question]) -> dict[Question, Answer] | None:
        """The graphs; None if a question had to be set apart, which is answered then."""
        if not questions:
            return {}
        definition = _targets(questions)
        definition["collector"] = _collector(questions)
        said = Said({}, set(), set(), "")
        for _ in range(_TRIES if len(questions) > 2 else 20 * _TRIES):
            said = self._call(questions, definition, "collector")
            if not said.failed:
                break
        if len(said.digests) == len(questions):
            return {each: Answer("graph", said.digests[at]) for at, each in enumerate(questions)}
        if said.failed:
            raise TooEarly(said.error)
        if not _set_apart(questions, said.error, self._graphless):
            known = len(self._graphless)
            for question in questions:
                self._draw([question])  # one of them upsets the collector itself
            if len(self._graphless) == known:
                raise TooEarly(said.error)
        return None

    def _build(self, questions: Sequence[Question]) -> None:
        """Remembers the configuration of the images, or of one that it has none."""
        names = [f"asked.invalid/{self._number()}:0" for _ in questions]
        definition = _targets(questions)
        for at, name in enumerate(names):
            definition[f"t{at}"] |= {"tags": [name], "output": ["type=docker"]}
        said = self._call(questions, definition, *definition)
        if said.error:
            if not _set_apart(questions, said.error, self._configs):
                raise RuntimeError(f"bake fails and names no target: {said.error}")
        else:
            for question, name in zip(questions, names, strict=True):
                self._configs[question] = Answer("config", _config(self._images.inspect(name)))
        for name in names:
            self._images.remove(name)

    def _call(self, questions: Sequence[Question], definition: Definition, *targets: str) -> Said:
        with _Files(self._folder, self._number(), questions, definition) as file:
            command = ("bake", "--progress=rawjson", "--file", str(file), *targets)
            while True:
                said = self._listen(command, len(questions))
                if len(said.digests) == len(questions):
                    return said
                if not (self._daemon.revive() or self._images.provide_missing(said.error)):
                    return said

    def _listen(self, command: Sequence[str], count: int) -> Said:
        """Until there are *count* digests, or all is said."""
        said = Said({}, set(), set(), "")
        rest: list[str] = []
        with closing(self._daemon.buildx(*command)) as lines:
            for line in lines:
                if line.startswith("{"):
                    said.read(line)
                else:
                    rest.append(line)
                if len(said.digests) == count:
                    return said
        text = "".join(rest)
        return said._replace(error=text[text.find("ERROR:") :].strip() if "ERROR:" in text else "")

    def _number(self) -> int:
        return next(self._numbers)


def _set_apart(questions: Sequence[Question], error: str, known: dict[Question, Answer]) -> bool:
    """Remember the answer for the one that failed the call; false if nobody knows which it was."""
    if empty := _EMPTY.search(error):
        known[questions[int(empty[1])]] = Answer("empty")
    elif failed := _FAILED.search(error):
        kind = "unavailable" if _UNAVAILABLE in failed[2] else "rejected"
        known[questions[int(failed[1])]] = Answer(kind, message=failed[2].strip())
    elif len(questions) == 1:
        known[questions[0]] = Answer("unavailable", message=error)
    else:
        return False
    return True


class _Files:
    """The Dockerfiles and the definition of one call, deleted at the end of the block."""

    def __init__(
        self, parent: Path, number: int, questions: Sequence[Question], definition: Definition
    ) -> None:
        self._folder = parent / str(number)
        self._questions = questions
        self._definition = definition

    def __enter__(self) -> Path:
        self._folder.mkdir()
        for at, question in enumerate(self._questions):
            (self._folder / f"t{at}").write_bytes(encode(question.text))
            self._definition[f"t{at}"]["dockerfile"] = str(self._folder / f"t{at}")
        for target in self._definition.values():
            target["context"] = str(self._folder.parent / "context")
        file = self._folder / "bake.json"
        file.write_text(json.dumps({"target": self._definition}))
        return file

    def __exit__(self, *_: object) -> None:
        for path in self._folder.iterdir():
            path.unlink()
        self._folder.rmdir()


def _targets(questions: Sequence[Question]) -> Definition:
    """A target of the bake file for each, read by the builtin frontend, without its checks."""
    found: Definition = {}
    for at, question in enumerate(questions):
        args = dict(question.args) | {"BUILDKIT_DOCKERFILE_CHECK": "skip=all"}
        found[f"t{at}"] = {
            "args": {name: _literal(value) for name, value in args.items()},
            "output": ["type=cacheonly"],
        }
        if question.target:
            found[f"t{at}"]["target"] = _literal(question.target)
    return found


def _collector(questions: Sequence[Question]) -> dict[str, Any]:
    numbers = range(len(questions))
    copies = (f"COPY --from=t{at} / /{at}\n" for at in numbers)
    return {
        "dockerfile-inline": f"FROM scratch\n{''.join(copies)}",
        "contexts": {f"t{at}": f"target:t{at}" for at in numbers},
        "output": ["type=cacheonly"],
    }


def _config(image: dict[str, Any]) -> str:
    inside: dict[str, Any] = image.get("Config") or {}
    found = {key: inside.get(key) or None for key in CONFIG}
    found |= {key: image.get(key) or None for key in OUTSIDE_OF_CONFIG}
    return json.dumps(found, sort_keys=True)


def _literal(text: str) -> str:
    """*text* so that bake, which fills in `${...}`, reads it as it is."""
    return text.replace("${", "$${").replace("%{", "%%{")
