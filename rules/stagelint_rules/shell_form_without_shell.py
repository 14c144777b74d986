from __future__ import annotations

from collections.abc import Iterator

from stagelint.edit import Edit, Fix, Guarantee
from stagelint.model import File
from stagelint.model.contents import may_have
from stagelint.model.moments import Moment
from stagelint.model.stages import Stage
from stagelint.model.starting import start
from stagelint.rule import SHIPPED, Bad, Finding, Good, Rule
from stagelint.syntax import shell


class ShellFormWithoutShell(Rule):
    """A CMD, ENTRYPOINT or HEALTHCHECK that needs a shell, in an image that has none.

    The build succeeds, and the container fails to start: `exec: "/bin/sh": no such file`. Without
    brackets, what stands behind CMD is run by `/bin/sh -c`, and neither `scratch` nor the images of
    distroless, chiseled .NET or Chainguard's static have that. A HEALTHCHECK like that makes every
    container unhealthy.

    It speaks of `scratch` and of base images of known families without a shell, and is silent if
    something that is copied may bring one. The fix writes the words as a JSON list, where they are
    plain words: without variables, redirections and operators of the shell.
    """

    code = "SL214"
    roles = SHIPPED
    examples = (
        Bad(
            """
            FROM golang AS build
            RUN CGO_ENABLED=0 go build -o /app
            FROM scratch
            COPY --from=build /app /app
            ENTRYPOINT /app --port 8080
            ^^^^^^^^^^^^^^^^^^^^^^^^^^^ it needs `/bin/sh`, which `scratch` has not
            """,
            fixed="""
            FROM golang AS build
            RUN CGO_ENABLED=0 go build -o /app
            FROM scratch
            COPY --from=build /app /app
            ENTRYPOINT ["/app", "--port", "8080"]
            """,
            unsafe=True,
        ),
        Bad(
            """
            FROM example.com/distroless/static-debian12
            COPY app /srv/app
            HEALTHCHECK CMD /srv/app --check || exit 1
            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ it needs `/bin/sh`, which `example.com/distroless/static-debian12` has not
            ENTRYPOINT ["/srv/app"]
            """
        ),
        Good(
            """
            FROM busybox AS tools
            FROM scratch
            COPY --from=tools /bin/busybox /bin/sh
            COPY app /app
            CMD /app
            """
        ),
        Good(
            """
            FROM example.com/distroless/static:debug
            SHELL ["/busybox/sh", "-c"]
            CMD echo hello
            """
        ),
        Good(
            """
            FROM scratch
            COPY app /app
            ENTRYPOINT ["/app"]
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        said: set[Moment] = set()
        for index in sorted(file.shipped):
            stage = file.stages[index]
            if _has_shell(file, stage) or may_have(file.moments_behind(stage), "sh"):
                continue
            found = start(file.moments_behind(stage))
            for moment in (found.first, found.healthcheck):
                if moment and moment not in said and _needs_shell(moment):
                    said.add(moment)
                    yield self._finding(file, stage, moment)

    def _finding(self, file: File, stage: Stage, moment: Moment) -> Finding:
        name = file.chain(stage)[0].base.raw
        span = moment.instruction.code_span
        message = f"it needs `/bin/sh`, which `{name}` has not"
        fix = _fix(moment)
        return self.finding(file, span, message, stage=stage, fix=fix, aliases=("BK013", "DL3025"))


def _has_shell(file: File, stage: Stage) -> bool:
    """Has its base a shell, or is that not known?"""
    if file.chain(stage)[0].base.is_scratch:
        return False
    image = file.histories[stage.index].image
    return image is None or image.has_shell or image.os == "windows"


def _needs_shell(moment: Moment) -> bool:
    return not moment.instruction.is_json and moment.shell == ("/bin/sh", "-c")


def _fix(moment: Moment) -> Fix | None:
    """The words as a JSON list; None if only a shell can tell what they are."""
    node = moment.instruction
    text = node.arguments[-1]
    if not node.logical.contiguous(text.start, text.end):
        return None
    commands = list(shell.commands(text.value))
    if (
        len(commands) != 1
        or commands[0].assignments
        or any(char in "<>|&;*?[~!" for char in text.value)
    ):
        return None
    words = [
        "".join(part.text for part in word.parts)
        for word in commands[0].words
        if all(part.kind is shell.Kind.TEXT for part in word.parts)
    ]
    if len(words) < len(commands[0].words):
        return None
    words = words[1:] if words[0] == "exec" else words
    if not words or words[0].startswith("-"):
        return None
    if not "".join(words).isprintable() or any(char in "".join(words) for char in '"\\'):
        return None
    listed = ", ".join(f'"{word}"' for word in words)
    edit = Edit(node.logical.span(text.start, text.end), f"[{listed}]")
    return Fix("Write it as a JSON list", (edit,), Guarantee.BEHAVIOUR)
