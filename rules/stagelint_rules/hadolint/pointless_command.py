from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.moments import Moment
from stagelint.rule import Bad, Finding, Good, Rule, Severity

#: Programs for people in front of a running machine.
_COMMANDS = frozenset({"ssh", "vim", "shutdown", "service", "ps", "free", "top", "kill", "mount"})
#: Programs that use no service.
_IDLE = frozenset({"sleep", "echo", "true", "set"})


class PointlessCommand(Rule):
    """A RUN starts a program that has nothing to do while an image is built.

    There is no machine to shut down, no service to keep and nobody to look at a list of processes.
    What such a command changes ends with its RUN; only files stay.

    It speaks of `ssh`, `vim`, `shutdown`, `service`, `ps`, `free`, `top`, `kill` and `mount`.
    Unlike hadolint it is silent where they do have something to do: `ssh` in a RUN with
    `--mount=type=ssh`, `mount` with `--security=insecure`, and `kill` or `service` in a RUN that
    starts other programs as well, as in `service mysql start && mysql < schema.sql`. It sees behind
    `sudo` and `env`, and in `sh -c '...'`.
    """

    code = "DL3001"
    severity = Severity.INFO
    default = False
    words = tuple(sorted(_COMMANDS))
    examples = (
        Bad(
            """
            FROM debian:12
            RUN service nginx start
                ^^^^^^^ `service` has nothing to do while an image is built
            RUN make && sudo ps aux
                             ^^ `ps` has nothing to do while an image is built
            """
        ),
        Bad(
            """
            FROM debian:12
            RUN ["mount", "/data"]
                 ^^^^^^^ `mount` has nothing to do while an image is built
            ONBUILD RUN free -m
                        ^^^^ `free` has nothing to do while an image is built
            """
        ),
        Good(
            """
            FROM mysql:8.4
            RUN service mysql start && mysql < schema.sql && service mysql stop
            RUN mysqld & sleep 5 && mysql < data.sql; kill $!
            RUN --mount=type=ssh ssh -T git@example.com
            RUN --security=insecure mount -t tmpfs tmpfs /mnt && ./test
            RUN apt-get install -y ssh vim && command -v top
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in file.stages:
            for moment in file.written(stage):
                names = {call.name for call in moment.calls}
                found = {name for name in names & _COMMANDS if not _has_use(moment, name, names)}
                for call in moment.calls if found else ():
                    if call.name in found:
                        message = f"`{call.name}` has nothing to do while an image is built"
                        yield self.finding(file, call.name_span, message, stage=stage)


def _has_use(moment: Moment, name: str, others: set[str]) -> bool:
    """Has *name* something to do in a RUN that starts *others*?"""
    flags = moment.instruction.flags
    if name == "ssh":
        return any(each.name == "mount" and "type=ssh" in (each.value or "") for each in flags)
    if name == "mount":
        return any(each.name == "security" and each.value == "insecure" for each in flags)
    return name in ("service", "kill") and not others <= _COMMANDS | _IDLE
