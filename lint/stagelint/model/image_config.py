"""The config of the image that a stage becomes, in every build there could be (BuildKit v0.25.2).

What a stage does not say comes from its base, which is not known if it is an image.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from stagelint.model.symbols import Lookup, Symbolic, digest, evaluate, evaluate_words, symbol
from stagelint.syntax.characters import SPACE
from stagelint.syntax.nodes import Instruction, PieceKind

#: `80` is short for `80/tcp`, and `TCP` the same as `tcp`.
_PORT = r"([0-9]+(?:-[0-9]+)?)(?:/([A-Za-z]+))?\Z"

#: Relative paths that can be joined; `.` and a slash at the end mean more than a path to COPY.
_SEGMENT = r"(?!\.\.?(?:/|\Z))[^/]+"
_PLAIN = rf"{_SEGMENT}(?:/{_SEGMENT})*\Z"


class ImageConfig:
    """Everything in the config but `Env`, which `Variables` keeps."""

    def __init__(self, base: str) -> None:
        """*base* stands for the image whose config is inherited; empty for scratch."""
        self._base = base
        self._fields: dict[str, object] = {}
        """By the names of the OCI image config; one that is missing is the base's."""
        self._labels: dict[Symbolic, Symbolic] = {}
        self._ports: dict[Symbolic, None] = {}
        self._volumes: dict[Symbolic, None] = {}
        self._triggers: list[object] = []
        self._has_command = False
        """Has this stage a CMD of its own, which an ENTRYPOINT then does not clear?"""
        self._had_command = False
        """Was there ever one, be it inherited? It leaves the config's ArgsEscaped behind."""
        self.directory: Symbolic = "/"
        """The working directory."""
        self.user: Symbolic = ""
        self.shell: object = ("default",)
        """What runs the shell form."""
        if base:
            self.directory = symbol("config", base, "WorkingDir")
            self.user = symbol("config", base, "User")
            self.shell = ("shell of", base)

    def child(self) -> ImageConfig:
        """That at the beginning of a stage built on this one: all but the ONBUILDs is inherited."""
        child = ImageConfig(self._base)
        child._fields, child._labels = dict(self._fields), dict(self._labels)
        child._ports, child._volumes = dict(self._ports), dict(self._volumes)
        child._had_command = self._had_command
        child.directory, child.user, child.shell = self.directory, self.user, self.shell
        return child

    @property
    def size(self) -> int:
        """How much a copy costs."""
        return len(self._labels) + len(self._ports) + len(self._volumes) + len(self._triggers)

    @property
    def parts(self) -> dict[str, str]:
        """A digest for every part of the config, by its name in the OCI image config."""
        labels = [*self._labels.items()]
        if all(isinstance(key, str) for key in self._labels):  # else one may overwrite another
            labels.sort()
        values = {
            **self._fields,
            "Labels": labels,
            "ExposedPorts": sorted(self._ports, key=repr),
            "Volumes": sorted(self._volumes, key=repr),
            "OnBuild": self._triggers,
            "WorkingDir": self.directory,
            "User": self.user,
            "Shell": self.shell,
        }
        return {name: digest(self._base, value) for name, value in values.items()}

    def take(self, node: Instruction, lookup: Lookup) -> None:
        """Take an instruction into account; *lookup* knows the variables in force.

        Raises `ExpansionError`.
        """
        match node.keyword:
            case "CMD":
                self._fields["Cmd"] = self._arguments(node)
                self._has_command = self._had_command = True
            case "ENTRYPOINT":
                self._fields["Entrypoint"] = self._arguments(node)
                if not self._has_command:
                    self._fields["Cmd"] = ("cleared", self._had_command)
            case "SHELL":
                self.shell = tuple(argument.value for argument in node.arguments)
            case "WORKDIR":
                path = evaluate(node.rest, lookup, node.escape)
                if isinstance(path, str) and path and not path.startswith("/"):
                    path = clean(path)  # an absolute one is kept as it is
                self.directory = below(self.directory, path)
            case "USER":
                self.user = evaluate(node.rest, lookup, node.escape)
            case "STOPSIGNAL":
                self._fields["StopSignal"] = evaluate(node.rest, lookup, node.escape)
            case "HEALTHCHECK":
                self._fields["Healthcheck"] = _check(node)
            case "MAINTAINER":
                self._fields["Author"] = node.rest
            case "ONBUILD":
                self._triggers.append((trigger_text(node), _blanks_at_end(node), *bodies(node)))
            case "LABEL":
                self._label(node, lookup)
            case "EXPOSE":
                self._expose(node, lookup)
            case "VOLUME":
                for argument in node.arguments:
                    self._volumes[evaluate(argument.value, lookup, node.escape)] = None
            case _:
                pass

    def _arguments(self, node: Instruction) -> tuple[object, ...]:
        values = tuple(argument.value for argument in node.arguments)
        return ("exec", values) if node.is_json else ("shell", self.shell, values)

    def _label(self, node: Instruction, lookup: Lookup) -> None:
        for pair in node.pairs:
            key = evaluate(pair.key, lookup, node.escape)
            self._labels.pop(key, None)
            self._labels[key] = evaluate(pair.value or "", lookup, node.escape)

    def _expose(self, node: Instruction, lookup: Lookup) -> None:
        for argument in node.arguments:
            for port in evaluate_words(argument.value, lookup, node.escape):
                match = re.match(_PORT, port) if isinstance(port, str) else None
                known = f"{match[1]}/{(match[2] or 'tcp').lower()}" if match else port
                self._ports[known] = None


def _check(node: Instruction) -> tuple[object, ...]:
    kind, *values = [argument.value for argument in node.arguments] or [""]
    flags = sorted((flag.name, flag.value or "") for flag in node.flags)
    return (kind.upper(), node.is_json, values, flags)


def trigger_text(node: Instruction) -> str:
    """What stands behind the word ONBUILD in the line of *node*, an ONBUILD or its inner part."""
    return node.logical.text[len("ONBUILD") :].lstrip("\t\n\f\r ")


def _blanks_at_end(node: Instruction) -> str:
    """What an ONBUILD keeps of its line, and no other instruction (v0.25.2)."""
    code = node.spans(PieceKind.CODE)[-1]
    line = node.text[code.start : code.end]
    return line[len(line.rstrip(SPACE)) :]


def below(directory: Symbolic, path: Symbolic) -> Symbolic:
    """*path*, taken from *directory* unless it is absolute."""
    first = path if isinstance(path, str) else path[0]
    if isinstance(first, str) and first.startswith("/"):
        return path
    if isinstance(directory, str) and isinstance(path, str) and re.match(_PLAIN, path):
        joined = clean(posixpath.join(directory, path))
        return joined if directory.startswith("/") else symbol("join", directory, path)
    return symbol("join", directory, path)


def clean(path: str) -> str:
    """As Go's `path.Clean` has it."""
    return re.sub(r"^//+", "/", posixpath.normpath(path))


def bodies(node: Instruction) -> Iterator[str]:
    """The heredocs of an instruction as they stand in the file."""
    return (node.text[each.body.start : each.body.end] for each in node.heredocs)
