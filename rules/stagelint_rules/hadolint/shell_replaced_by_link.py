from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.calls import Call
from stagelint.model.stages import Stage
from stagelint.rule import Bad, Finding, Good, Rule, Severity

_SHELLS = frozenset({"/bin/sh", "/usr/bin/sh"})


class ShellReplacedByLink(Rule):
    """A RUN makes `/bin/sh` a link to another shell.

    All scripts of the image get another shell than they were written for, also in containers. The
    instruction SHELL says by which one the RUNs that follow are read, and nothing else.

    It is information in a stage that does not ship: there it is a shorter way to the same RUNs. It
    speaks of an `ln` that makes `/bin/sh` or `/usr/bin/sh`. Unlike hadolint it is silent about a
    link that leads to one of them, and about images that have no shell before, such as `scratch`.
    """

    code = "DL4005"
    words = ("/sh",)
    examples = (
        Bad(
            """
            FROM debian:12
            RUN ln -sf /bin/bash /bin/sh
                ^^^^^^^^^^^^^^^^^^^^^^^^ all scripts of the image get another shell: SHELL changes that of RUN alone
            RUN rm /bin/sh && sudo ln -s bash /bin/sh
                                   ^^^^^^^^^^^^^^^^^^ all scripts of the image get another shell: SHELL changes that of RUN alone
            """
        ),
        Good(
            """
            FROM debian:12
            RUN ln -sf /bin/sh /usr/local/bin/ash && ln -s /opt/run.sh /bin/run.sh
            SHELL ["/bin/bash", "-c"]
            """
        ),
        Good(
            """
            FROM example.com/distroless/static-debian12
            COPY --from=busybox /bin /busybox
            RUN ["/busybox/ln", "-s", "/busybox/sh", "/bin/sh"]
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        message = "all scripts of the image get another shell: SHELL changes that of RUN alone"
        for stage in file.stages:
            for moment in file.written(stage):
                for call in moment.calls:
                    is_link = call.name == "ln" and _target(call) in _SHELLS
                    if is_link and not _has_none(file, stage, call):
                        severity = None if stage.index in file.ships else Severity.INFO
                        yield self.finding(file, call.span, message, severity=severity, stage=stage)


def _has_none(file: File, stage: Stage, call: Call) -> bool:
    """Has the image no shell that could be replaced?"""
    image = file.histories[stage.index].image
    return (
        file.chain(stage)[0].base.is_scratch
        or (image is not None and not image.family.has_shell)
        or call.path.startswith("/busybox/")
    )


def _target(call: Call) -> str | None:
    """What the link is called, if one word says so."""
    return call.words[-1] if len(call.words) > 1 else None
