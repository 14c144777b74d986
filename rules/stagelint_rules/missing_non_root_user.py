from __future__ import annotations

from collections.abc import Iterable, Iterator

from stagelint.model import File
from stagelint.model.calls import Call
from stagelint.model.moments import Moment
from stagelint.model.stages import Stage
from stagelint.model.starting import start
from stagelint.model.users import is_root, named
from stagelint.rule import SHIPPED, Bad, Finding, Good, Related, Rule, Severity

#: Programs that take another user themselves, or cannot work without root.
_OWN_USER = frozenset(
    """
    gosu su-exec setpriv runuser su sudo chroot setuidgid s6-setuidgid chpst init s6-svscan
    supervisord runsvdir systemd cron crond sshd nginx httpd apache2 apache2ctl apache2-foreground
    httpd-foreground php-fpm haproxy postgres mysqld mysqld_safe redis-server memcached named
    dnsmasq dind dockerd containerd buildkitd kubelet openvpn vsftpd smbd postfix dovecot rsyslogd
    """.split()
)
_MAKERS = frozenset({"useradd", "adduser"})
_PREPARING = frozenset({"cd", "export", "set", "ulimit", "umask", "mkdir", "echo", "sleep"})
_SHELLS = frozenset({"sh", "bash", "ash", "zsh"})


class MissingNonRootUser(Rule):
    """The program of an image that ships starts as root.

    Whoever takes over a process of root owns what it can reach, and is root on the host once out.
    It is a warning where the file shows
    that another user was meant: it makes one which is never used, or goes back to root after
    another USER. Else it is information, since some programs need root. It is off by default: a third
    of all images start as root, and whether they may is for their owners to say.

    It speaks of images with a CMD or ENTRYPOINT of their own, where the user is known: from USER,
    `scratch`, or a base image of a known family. It is silent if the program is a script, which may
    take another user; if it is one that drops its privileges itself or cannot do without, like
    `nginx`, `supervisord`, `gosu` or `sshd`; if it is a shell and no more; and for variants like
    `:nonroot` of distroless images.
    """

    code = "SL210"
    severity = Severity.INFO
    default = False
    roles = SHIPPED
    examples = (
        Bad(
            """
            FROM golang AS build
            RUN go build -o /app
            FROM debian:bookworm-slim
            RUN useradd --system app
            COPY --from=build /app /app
            ENTRYPOINT ["/app"]
            ^^^^^^^^^^^^^^^^^^^ `app` starts as root, though a user is made in line 4
            """
        ),
        Bad(
            """
            FROM node:22-slim
            USER node
            COPY --chown=node . .
            USER root
                 ^^^^ `node` starts as root, though line 2 is another USER
            RUN apt-get update && apt-get install -y tini
            CMD ["tini", "--", "node", "server.js"]
            """
        ),
        Bad(
            """
            FROM golang AS build
            RUN CGO_ENABLED=0 go build -o /app
            FROM scratch
            COPY --from=build /app /app
            CMD ["/app"]
            ^^^^^^^^^^^^ `app` starts as root
            """
        ),
        Good(
            """
            FROM golang AS build
            RUN CGO_ENABLED=0 go build -o /app
            FROM example.com/distroless/static:nonroot
            COPY --from=build /app /app
            CMD ["/app"]
            """
        ),
        Good(
            """
            FROM debian AS app
            RUN useradd app
            COPY entrypoint.sh /
            ENTRYPOINT ["/entrypoint.sh"]
            """
        ),
        Good(
            """
            FROM debian AS base
            USER 1000
            FROM base
            COPY app /app
            CMD ["/app"]
            """
        ),
        Good(
            """
            FROM nginx
            COPY dist /usr/share/nginx/html
            CMD ["nginx", "-g", "daemon off;"]
            """
        ),
        Good(
            """
            FROM golang AS build
            RUN go build -o /out/app
            FROM scratch
            COPY --from=build /out /
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        said: set[Moment] = set()
        for index in sorted(file.shipped):
            stage = file.stages[index]
            moments = file.moments_behind(stage)
            first = start(moments).first
            user = file.histories[index].user
            if first is None or first in said or user is None or not is_root(user):
                continue
            said.add(first)
            program = _program(first)
            if program and not _takes_another(moments):
                yield self._finding(file, stage, moments, first, program)

    def _finding(
        self, file: File, stage: Stage, moments: list[Moment], first: Moment, program: str
    ) -> Finding:
        message = f"`{program}` starts as root"
        evidence = next(
            _meant(each for each in moments if each.stage.index <= first.stage.index), None
        )
        related: tuple[Related, ...] = ()
        if evidence:
            span = evidence.instruction.code_span
            line = file.source.position(span.start).line
            if evidence.instruction.keyword == "USER":
                message += f", though line {line} is another USER"
                related = (Related(file.source, span, "another user"),)
            else:
                message += f", though a user is made in line {line}"
                related = (Related(file.source, span, "a user is made"),)
        cause = next((e for e in reversed(moments) if e.instruction.keyword == "USER"), None)
        return self.finding(
            file,
            named(cause)[1] if cause else first.instruction.code_span,
            message,
            stage=cause.stage if cause else stage,
            aliases=("DL3002",) if cause else (),
            severity=Severity.WARNING if evidence else None,
            related=related,
        )


def _program(first: Moment) -> str | None:
    """What is started; None if it is not known, or may start as root for a reason."""
    started = [call for call in first.started if call.name not in _PREPARING]
    if any(_may_take_another(call) for call in started):
        return None
    return next((call.name for call in started if call.name not in _SHELLS), None)


def _may_take_another(call: Call) -> bool:
    """Is it a script, or a program that takes another user itself or needs root?"""
    name = call.name
    is_script = name.startswith("init") or any(word in name for word in ("entrypoint", "start"))
    return (
        not name
        or name in _OWN_USER
        or is_script
        or any(word.endswith((".sh", ".bash")) for word in (name, *call.words))
    )


def _takes_another(moments: Iterable[Moment]) -> bool:
    """Is there a program that starts others as another user?"""
    calls = [call for moment in moments for call in moment.calls]
    return any(not {"gosu", "su-exec"}.isdisjoint((call.name, *call.arguments)) for call in calls)


def _meant(moments: Iterable[Moment]) -> Iterator[Moment]:
    """Instructions that show that another user was meant, the latest first."""
    for moment in reversed([*moments]):
        if moment.instruction.keyword == "USER":
            user = moment.expand(moment.instruction.rest)
            if user is not None and not is_root(user):
                yield moment
        elif any(call.name in _MAKERS and "vscode" not in call.words for call in moment.calls):
            yield moment  # `vscode` is the user of development containers
