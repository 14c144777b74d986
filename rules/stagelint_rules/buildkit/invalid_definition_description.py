from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.rule import Bad, Finding, Good, Rule, Severity
from stagelint.syntax.nodes import Comment, Instruction


class InvalidDefinitionDescription(Rule):
    """A comment above an ARG or a stage that does not begin with its name.

    `docker build --call=outline` shows only a comment that does, as what the name is for. BuildKit
    says it only where the file asks for that, by `# check=experimental=InvalidDefinitionDescription`
    or `experimental=all`, and so does this rule. BuildKit's own check `InvalidDefinitionDescription`.
    """

    code = "BK008"
    severity = Severity.INFO
    aliases = ("InvalidDefinitionDescription",)
    words = ("experimental",)
    examples = (
        Bad(
            """
            # check=experimental=InvalidDefinitionDescription
            # bar the compiler
            FROM golang AS foo
            ^^^^^^^^^^^^^^^^^^ the comment above does not begin with `foo`
            # one of them
            ARG a b
            ^^^^^^^ the comment above begins with none of `a`, `b`
            """
        ),
        Good(
            """
            # check=experimental=all
            # foo compiles
            FROM golang AS foo
            # whatever
            FROM scratch
            """
        ),
        Good(
            """
            # bar the compiler
            FROM golang AS foo
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        if not _is_asked_for(file):
            return
        last = ""
        for item in file.tree.items:
            if isinstance(item, Comment):
                last = str(item).rstrip("\r\n").removeprefix("\ufeff")[1:].strip()
            elif isinstance(item, Instruction):
                names = _names(item)
                if last and names and last.split(" ")[0] not in names:
                    listed = ", ".join(f"`{name}`" for name in names)
                    verb = "does not begin with" if len(names) == 1 else "begins with none of"
                    message = f"the comment above {verb} {listed}"
                    yield self.finding(file, item.code_span, message)
                last = ""


def _is_asked_for(file: File) -> bool:
    return bool({"InvalidDefinitionDescription", "all"} & file.checks.experimental)


def _names(instruction: Instruction) -> list[str]:
    if instruction.keyword == "ARG":
        return [pair.key for pair in instruction.pairs]
    if instruction.keyword == "FROM" and len(instruction.arguments) == 3:
        return [instruction.arguments[2].value.lower()]
    return []
