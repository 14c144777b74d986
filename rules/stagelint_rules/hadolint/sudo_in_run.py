from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.rule import Bad, Finding, Good, Rule, Severity


class SudoInRun(Rule):
    """A RUN starts a program by `sudo`.

    A RUN is root unless USER says otherwise, so `sudo` adds nothing but another process in between.
    It does not pass on signals and environment as they are, and an image that has it lets its user
    become root again. USER root, and the former USER behind, do the same in the build; programs like
    `gosu` and `setpriv` take another user when a container starts.

    It speaks of every `sudo`, also in `sh -c '...'` and by its path; not of its installation.
    """

    code = "DL3004"
    severity = Severity.ERROR
    words = ("sudo",)
    examples = (
        Bad(
            """
            FROM debian:12
            RUN sudo apt-get update
                ^^^^ a RUN needs no `sudo`: USER says who it runs as
            RUN echo nameserver 192.0.2.1 | /usr/bin/sudo tee /etc/resolv.conf
                                            ^^^^^^^^^^^^^ a RUN needs no `sudo`: USER says who it runs as
            ONBUILD RUN sudo make
                        ^^^^ a RUN needs no `sudo`: USER says who it runs as
            """
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
        message = "a RUN needs no `sudo`: USER says who it runs as"
        for stage in file.stages:
            for moment in file.written(stage):
                for call in moment.calls:
                    for name, span in (*call.wrappers, (call.name, call.name_span)):
                        if name == "sudo":
                            yield self.finding(file, span, message, stage=stage)
