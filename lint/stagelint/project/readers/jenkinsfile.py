"""Jenkins: the scripts of `sh`, `docker.build`, and agents that are built from a Dockerfile."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from stagelint.model.project import Build
from stagelint.project import paths, quoted, script
from stagelint.project.command import Asker
from stagelint.project.files import Files
from stagelint.project.text import MOST, Piece, Text, combine, expand
from stagelint.source import Source, Span
from stagelint.tuples import NamedTuple

_TOKEN = re.compile(
    r"//[^\n]*|/\*.*?(?:\*/|\Z)"
    r"|(?P<string>(?P<quote>'''|\"\"\")(?:[^\\]|\\.)*?(?P=quote)|'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\")"
    r"|(?<=[=(,~:])[ \t]*/(?:[^/\\\n]|\\.)+/"  # a pattern, whose quotes are none
    r"|(?P<open>\{)|(?P<close>\})",
    re.DOTALL,
)
_VARIABLE = re.compile(
    r"\\(?:\r\n|.)|\$\{[ ]*(?:env\.)?(?P<braced>[A-Za-z_]\w*)[ ]*\}|\$(?P<name>[A-Za-z_]\w*)(?![\w.])"
    r"|\$\{[^{}]*\}|\$[A-Za-z_][\w.]*",
    re.DOTALL,
)
#: What stands before a string says what it is for.
_BEFORE = re.compile(
    r"(?:\b(?P<script>(?:sh|bat|powershell|pwsh)[ \t]*\(?|script[ \t]*:)|\b(?P<build>docker\.build)[ \t]*\(?"
    r"|\b(?P<folder>dir)[ \t]*\(|\b(?P<stage>stage)[ \t]*\("
    r"|\b(?P<field>filename|dir|additionalBuildArgs)\b[ \t]*[:(]?"
    r"|(?:^|[\n;{])[ \t]*(?:(?:def|final|static|String|@Field)[ \t]+)*(?P<name>[A-Za-z_]\w*)[ \t]*=)\s*$"
)
_ASSIGNED = re.compile(r"\b([A-Za-z_]\w*)[ \t]*\+?=(?![=~])")
_AGENT = re.compile(r"\bdockerfile\s*$")
_AGENT_ALONE = re.compile(r"\bagent\s*\{\s*(dockerfile)\s+true\b")
_SUM = re.compile(r"\s*\+\s*")
_OPERAND = re.compile(r"(?:env\.)?(?P<name>[A-Za-z_]\w*)(?![\w.(\[])|[\w.]+(?:\([^()\n]*\))?")
#: The workspace has other repositories as well.
_CHECKED_OUT = re.compile(r"\bgit\s*\(?\s*(?:url\b|['\"])|RelativeTargetDirectory|\bgit clone\b")
#: What a string is for is said so near.
_NEAR = 120


class _Block(NamedTuple):
    """What stands in braces."""

    base: paths.Base
    stage: str = ""
    fields: dict[str, Text] | None = None
    """Of an agent that is built from a Dockerfile, what is said about it."""
    start: int = 0


def read(source: Source, files: Files) -> Iterator[Build]:
    """The builds of a pipeline, which is run in the root of the repository."""
    yield from _Pipeline(source, files.path_of(source)).builds()


class _Pipeline:
    def __init__(self, source: Source, path: str) -> None:
        self.source = source
        self.whole = Text.of(source)
        self.tokens = [each for each in _TOKEN.finditer(source.text) if each.lastgroup]
        self.strings = {each.start(): each for each in self.tokens if each["string"]}
        name = posixpath.basename(path).lower()
        base = paths.Base(("",), here=posixpath.dirname(path))
        if not name.startswith("jenkinsfile"):  # perhaps a library for other repositories
            base = paths.at_root(path)
        is_certain = base.is_certain and not _CHECKED_OUT.search(source.text)
        self.base = base._replace(is_certain=is_certain)
        self.variables: dict[str, list[Text]] = {}
        self._assign()

    def _assign(self) -> None:
        """Names that are given strings and nothing else."""
        counts: dict[str, int] = {}
        for match in _ASSIGNED.finditer(self.source.text):
            counts[match[1]] = counts.get(match[1], 0) + 1
        given: dict[str, list[re.Match[str]]] = {}
        for token in self.strings.values():
            before = self._before(token)
            if before and before["name"]:
                given.setdefault(before["name"], []).append(token)
        for name, tokens in given.items():
            if len(tokens) == counts.get(name) and len(tokens) <= MOST:
                self.variables[name] = [text for token in tokens for text in self._texts(token)]

    def _before(self, token: re.Match[str]) -> re.Match[str] | None:
        start = token.start()
        return _BEFORE.search(self.source.text, max(0, start - _NEAR), start)

    def builds(self) -> Iterator[Build]:
        blocks = [_Block(self.base)]
        for token in self.tokens:
            if token["open"]:
                blocks.append(self._block(token, blocks[-1]))
            elif token["close"]:
                if len(blocks) > 1:
                    yield from self._agent(blocks.pop())
            else:
                yield from self._string(token, blocks[-1])
        for match in _AGENT_ALONE.finditer(self.source.text):
            yield from self._agent(_Block(self.base, "", {}, match.start(1)))

    def _block(self, brace: re.Match[str], around: _Block) -> _Block:
        text, start = self.source.text, brace.start()
        near = text[max(0, start - _NEAR) : start]
        found = around._replace(fields=None, start=start)
        if _AGENT.search(near):
            return found._replace(fields={})
        string = next(
            (each for each in reversed(list(_TOKEN.finditer(near))) if each["string"]), None
        )
        token = self.strings.get(start - len(near) + string.start()) if string else None
        before = self._before(token) if token else None
        if token is None or before is None or text[token.end() : start].strip() not in ("", ")"):
            return found
        words = self._texts(token)[0]
        if before["folder"]:
            return found._replace(base=around.base.within(words.text))
        return found._replace(stage=words.value.shown) if before["stage"] else found

    def _string(self, token: re.Match[str], block: _Block) -> Iterator[Build]:
        before = self._before(token)
        if before is None:
            return
        if block.fields is not None and (before["field"] or before["folder"]):
            block.fields[before["field"] or "dir"] = self._sum(token)[0][0]
        elif before["script"]:
            for text in self._sum(token)[0]:
                yield from script.builds(text, self._asker(block), self.variables)
        elif before["build"]:
            yield from self._docker_build(token, block)

    def _docker_build(self, token: re.Match[str], block: _Block) -> Iterator[Build]:
        """`docker.build("image", "--target stage context")`; without the options, of `.`."""
        _, end = self._sum(token)
        comma = re.compile(r"\s*,\s*").match(self.source.text, end)
        following = self.strings.get(comma.end()) if comma else None
        if following is not None:
            options = self._sum(following)[0]
        else:
            span = Span(*token.span())
            options = [Text.unknown(self.source, span)] if comma else [self._written(".", span)]
        head = self._written("docker build ", Span(*token.span()))
        for each in options:
            yield from script.builds(head + each, self._asker(block), self.variables)

    def _agent(self, block: _Block) -> Iterator[Build]:
        """`dockerfile { filename dir additionalBuildArgs }`: the file lies in the folder."""
        if block.fields is None:
            return
        span = Span(block.start, block.start)
        folder = block.fields.get("dir", self._written(".", span))
        name = block.fields.get("filename", self._written("Dockerfile", span))
        options = block.fields.get("additionalBuildArgs", self._written("", span))
        parts = [self._written("docker build ", span), options, self._written(" --file ", span)]
        parts += [folder, self._written("/", span), name, self._written(" ", span), folder]
        yield from script.builds(
            Text(piece for part in parts for piece in part.pieces), self._asker(block)
        )

    def _asker(self, block: _Block) -> Asker:
        return Asker("jenkins", f"stage {block.stage}" if block.stage else "", block.base)

    def _written(self, text: str, span: Span) -> Text:
        return Text([Piece(text, self.source, span)])

    # -- strings ---------------------------------------------------------------------------------

    def _sum(self, token: re.Match[str]) -> tuple[list[Text], int]:
        """A string and what is added to it, by all that it may be; and where that ends."""
        parts: list[Sequence[Text]] = [self._texts(token)]
        end = token.end()
        while plus := _SUM.match(self.source.text, end):
            string = self.strings.get(plus.end())
            operand = string or _OPERAND.match(self.source.text, plus.end())
            if operand is None:
                break
            end = operand.end()
            parts.append(self._texts(operand) if string else self._variable(operand))
        whole = Text.of(self.source, Span(token.start(), end))
        return (list(combine(parts, whole)) if len(parts) > 1 else list(parts[0])), end

    def _variable(self, operand: re.Match[str]) -> Sequence[Text]:
        found = self.variables.get(operand["name"] or "")
        return found or [Text.unknown(self.source, Span(*operand.span()))]

    def _texts(self, token: re.Match[str]) -> list[Text]:
        """What a string may be."""
        quote = token["quote"] or token["string"][0]
        inner = self.whole[token.start() + len(quote) : token.end() - len(quote)]
        return (
            [quoted.unescaped(inner)] if quote[0] == "'" else expand(inner, _VARIABLE, self._part)
        )

    def _part(self, match: re.Match[str], whole: Text) -> Sequence[Text]:
        """An escape or a variable in a string with double quotes."""
        if match[0].startswith("\\"):
            return [quoted.unescaped(whole)]
        found = self.variables.get(match["braced"] or match["name"] or "")
        return found or [whole.as_unknown()]
