from __future__ import annotations

from collections.abc import Iterator

from stagelint.edit import Edit, Fix, Guarantee
from stagelint.model import File
from stagelint.model.calls import Call
from stagelint.rule import SHIPPED, Bad, Finding, Good, Rule
from stagelint.source import Span

#: A user id of so many digits makes a file of 30 MB and more.
_DIGITS = 6


class UseraddFillsLoginLog(Rule):
    """A `useradd` with a high user id and without `--no-log-init`.

    It makes `/var/log/lastlog` and `faillog` hundreds of bytes large for each id below the new one.
    On a disk that is a sparse file, in the layer of an image it is not: some gigabytes of zeros for
    an id in a billion.

    It speaks of stages that ship, and of ids of six digits and more, however the option is spelt,
    which hadolint only knows as `-u`. The fix gives the option to `useradd`; no entry in those two
    files is what it changes.
    """

    code = "DL3046"
    roles = SHIPPED
    widens = True
    words = ("useradd",)
    examples = (
        Bad(
            """
            FROM debian:12
            RUN useradd --create-home -u 1000640000 app
                                         ^^^^^^^^^^ with a user id like this, `useradd` writes large log files unless it is told `--no-log-init`
            RUN ["useradd", "--uid=200000", "app"]
                            ^^^^^^^^^^^^^^ with a user id like this, `useradd` writes large log files unless it is told `--no-log-init`
            """,
            fixed="""
            FROM debian:12
            RUN useradd --no-log-init --create-home -u 1000640000 app
            RUN ["useradd", "--uid=200000", "app"]
            """,
            unsafe=True,
        ),
        Good(
            """
            FROM debian:12
            RUN useradd -u 10001 a && useradd -l -u 1000640000 b && useradd -mlu 1000640000 c
            RUN useradd --no-log-init --uid 1000640000 d && useradd -u $ID e
            RUN adduser -u 1000640000 f
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in self.stages(file):
            for moment in file.written(stage):
                for call in moment.calls if "useradd" in moment.instruction.script else ():
                    span = _high_id(call) if call.name == "useradd" else None
                    if span and not _has_option(call):
                        yield self.finding(
                            file,
                            span,
                            "with a user id like this, `useradd` writes large log files unless it"
                            " is told `--no-log-init`",
                            fix=None if moment.instruction.is_json else _fix(call),
                            stage=stage,
                        )


def _high_id(call: Call) -> Span | None:
    """Where the user id stands, if it is a high one."""
    is_next = False
    for word, span in zip(call.arguments, call.spans, strict=True):
        name, equals, value = (word or "").partition("=")
        if name == "--uid" and equals:
            given = value
        elif is_next:
            given = word or ""
        else:
            given = (word or "")[2:] if (word or "").startswith("-u") else ""
        is_next = not is_next and (word == "--uid" or _ends_with_u(word or ""))
        if len(given) >= _DIGITS and given.isascii() and given.isdigit():
            return span
    return None


def _ends_with_u(word: str) -> bool:
    return word.startswith("-") and not word.startswith("--") and word.endswith("u")


def _has_option(call: Call) -> bool:
    return any(
        each is None or each == "--no-log-init" or (each[:1] == "-" != each[1:2] and "l" in each)
        for each in call.arguments
    )


def _fix(call: Call) -> Fix | None:
    if call.is_nested:
        return None
    at = call.name_span.end
    edit = Edit(Span(at, at), " --no-log-init")
    return Fix("give `useradd` the option `--no-log-init`", (edit,), Guarantee.BEHAVIOUR)
