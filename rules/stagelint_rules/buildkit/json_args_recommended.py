from __future__ import annotations

import re
from collections.abc import Iterator

from stagelint.edit import Edit, Fix, Guarantee
from stagelint.model import File
from stagelint.model.base_images import Description
from stagelint.model.stages import Stage
from stagelint.rule import Bad, Finding, Good, Rule, Severity
from stagelint.source import Span
from stagelint.syntax.nodes import Instruction

#: What a shell would do something with.
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -_./:,@+")

#: A list of quoted words, as far as its first.
_MEANT_AS_JSON = r"""\[\s*(["'])[^"']*\1\s*[,\]]"""
#: The shell gives way to a command.
_EXEC = r"(?:\A|[;&|]\s*)exec\s"


class JsonArgsRecommended(Rule):
    """A CMD or ENTRYPOINT in shell form.

    The shell of Debian and Ubuntu stays above the program, and passes on no signal. To stop such a
    container takes ten seconds, and ends by force. An ENTRYPOINT gets no arguments, of
    a CMD or of whoever runs the image. What was meant as JSON and is none, as `['app']`, does not
    start at all.

    It is information where a CMD needs a shell, since it has variables or more than one command, or
    where the shell gives way to the last command, as those of alpine and Fedora do; on Debian,
    `exec` in front of the command makes it. It is silent where a SHELL is in force, which somebody
    wanted to be used, and where the base image may have set one: where it is of no known family.

    The fix writes the words as JSON if they need no shell: another process starts, and what an
    ENTRYPOINT makes of a CMD changes, so it is not safe. BuildKit's own check `JSONArgsRecommended`.
    """

    code = "BK013"
    aliases = ("JSONArgsRecommended",)
    examples = (
        Bad(
            """
            FROM debian
            ENTRYPOINT /app --port 80
            ^^^^^^^^^^^^^^^^^^^^^^^^^ the shell that runs this `ENTRYPOINT` passes on neither signals nor arguments
            """,
            fixed="""
            FROM debian
            ENTRYPOINT ["/app", "--port", "80"]
            """,
            unsafe=True,
        ),
        Bad(
            """
            FROM debian
            CMD app --port $PORT
            ^^^^^^^^^^^^^^^^^^^^ the shell that runs this `CMD` does not pass on signals
            FROM debian
            CMD exec app --port $PORT
            ^^^^^^^^^^^^^^^^^^^^^^^^^ a shell starts this `CMD`
            """
        ),
        Bad(
            """
            FROM alpine
            CMD app
            ^^^^^^^ a shell starts this `CMD`, which needs none
            ENTRYPOINT tini
            ^^^^^^^^^^^^^^^ the shell that runs this `ENTRYPOINT` passes on no arguments
            """,
            fixed="""
            FROM alpine
            CMD ["app"]
            ENTRYPOINT ["tini"]
            """,
            unsafe=True,
        ),
        Bad(
            """
            FROM debian
            CMD ['app', '--port', '80']
            ^^^^^^^^^^^^^^^^^^^^^^^^^^^ this `CMD` is no valid JSON, and a shell takes its bracket for a program
            FROM example.com/distroless/static-debian12
            CMD app
            ^^^^^^^ the image has no shell to run this `CMD`
            """,
            fixed="""
            FROM debian
            CMD ['app', '--port', '80']
            FROM example.com/distroless/static-debian12
            CMD ["app"]
            """,
            unsafe=True,
        ),
        Good(
            """
            FROM debian AS base
            SHELL ["/bin/bash", "-c"]
            CMD app
            FROM base
            CMD app
            FROM somebody/image
            CMD app
            FROM debian
            CMD ["app"]
            HEALTHCHECK CMD app --check
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in file.stages:
            for each in stage.by_keyword("CMD", "ENTRYPOINT"):
                if not each.is_json and _has_default_shell(file, stage, each):
                    needs_shell = not _PLAIN.issuperset(each.rest) or bool(each.heredocs)
                    message, severity = _verdict(each, _image(file, stage), needs_shell=needs_shell)
                    yield self.finding(
                        file,
                        each.code_span,
                        message,
                        severity=severity,
                        fix=None if needs_shell else _fix(each),
                        stage=stage,
                        aliases=("DL3025",),
                    )


def _verdict(
    node: Instruction, image: Description | None, *, needs_shell: bool
) -> tuple[str, Severity]:
    """What is said of *node*, and how loud."""
    this = f"this `{node.keyword}`"
    if image is not None and not image.has_shell:
        return f"the image has no shell to run {this}", Severity.WARNING
    if re.match(_MEANT_AS_JSON, node.rest):
        is_none = "is no valid JSON, and a shell takes its bracket for a program"
        return f"{this} {is_none}", Severity.WARNING
    # dash goes on to run below what it starts: 0.5.12 does, and so do those before
    stays = image is not None and image.os in ("debian", "ubuntu")
    stays = stays and not re.search(_EXEC, node.rest)
    severity = Severity.INFO if needs_shell else Severity.WARNING
    if node.keyword == "ENTRYPOINT":
        what = "neither signals nor arguments" if stays else "no arguments"
        return f"the shell that runs {this} passes on {what}", severity
    if stays:
        return f"the shell that runs {this} does not pass on signals", severity
    return f"a shell starts {this}" + ("" if needs_shell else ", which needs none"), Severity.INFO


def _image(file: File, stage: Stage) -> Description | None:
    return file.histories[stage.index].image


def _has_default_shell(file: File, stage: Stage, instruction: Instruction) -> bool:
    image = _image(file, stage)
    if not file.chain(stage)[0].base.is_scratch and (image is None or image.os == "windows"):
        return False
    return not file.says_above(stage, "SHELL", instruction)


def _fix(instruction: Instruction) -> Fix | None:
    words = instruction.rest.split()
    start, end = instruction.rest_start, len(instruction.logical.text.rstrip())
    if not words or not instruction.logical.contiguous(start, end):
        return None
    quoted = ", ".join(f'"{word}"' for word in words)
    span: Span = instruction.logical.span(start, end)
    return Fix("Write it as JSON", (Edit(span, f"[{quoted}]"),), Guarantee.BEHAVIOUR)
