from __future__ import annotations

from collections.abc import Iterator

from stagelint.edit import Edit, Fix, Guarantee
from stagelint.model import File, users
from stagelint.model.calls import Call
from stagelint.rule import Bad, Finding, Good, Rule, Severity
from stagelint.source import Span

_MESSAGE = "a RUN needs no `sudo`: USER says who it runs as"


class SudoInRun(Rule):
    """A RUN starts a program by `sudo`.

    A RUN is root unless USER says otherwise, so `sudo` adds nothing but a process in between. It
    does not pass on signals and environment as they are, and an image that has it lets its user
    become root again. It is a warning where the RUN is known to be root already and `sudo` has no
    options, else information. USER root, and the former USER behind, do the same in the build;
    programs like `gosu` and `setpriv` take another user when a container starts.

    The fix leaves it out where the RUN is root already. It is not safe, since `sudo` may give its
    program another environment. The rule speaks of every `sudo`, also in `sh -c '...'` and by its
    path; not of its installation.
    """

    code = "DL3004"
    severity = Severity.WARNING
    words = ("sudo",)
    examples = (
        Bad(
            """
            FROM debian:12
            RUN sudo apt-get update
                ^^^^ the RUN is root already
            RUN echo nameserver 192.0.2.1 | /usr/bin/sudo tee /etc/resolv.conf
                                            ^^^^^^^^^^^^^ the RUN is root already
            RUN ["sudo", "-u", "app", "make"]
                 ^^^^^^ a RUN needs no `sudo`: USER says who it runs as
            USER app
            ONBUILD RUN sudo make
                        ^^^^ a RUN needs no `sudo`: USER says who it runs as
            """,
            fixed="""
            FROM debian:12
            RUN apt-get update
            RUN echo nameserver 192.0.2.1 | tee /etc/resolv.conf
            RUN ["sudo", "-u", "app", "make"]
            USER app
            ONBUILD RUN sudo make
            """,
            unsafe=True,
        ),
        Good(
            """
            FROM debian:12
            RUN apt-get update && apt-get install -y sudo && command -v sudo
            RUN echo "app ALL=(ALL) NOPASSWD: ALL" > /etc/sudoers.d/app
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in file.stages:
            for moment in file.written(stage):
                is_root = moment.user is not None and users.is_root(moment.user)
                for call in moment.calls:
                    for at, (name, span) in enumerate(call.starting):
                        if name == "sudo":
                            fix = _fix(file, call, at) if is_root else None
                            yield self.finding(
                                file,
                                span,
                                "the RUN is root already" if fix else _MESSAGE,
                                severity=None if fix else Severity.INFO,
                                fix=fix,
                                stage=stage,
                            )


def _fix(file: File, call: Call, at: int) -> Fix | None:
    """Leave out the `sudo` that is *at* there among what starts *call*, if it has no options."""
    (_, span), *rest = call.starting[at:]
    if not rest or span == rest[0][1]:
        return None
    text, program = file.source.text, rest[0][1]
    edit = Edit(Span(span.start, program.end), text[program.start : program.end])
    is_plain = text[span.end : program.start].strip(" \t") == ""
    return Fix("leave out `sudo`", (edit,), Guarantee.BEHAVIOUR) if is_plain else None
