from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.base_images import Description
from stagelint.model.contents import may_have
from stagelint.model.families import Kind
from stagelint.model.starting import start
from stagelint.rule import SHIPPED, Bad, Finding, Good, Rule

#: Programs that people check with, and words in the names of packages that bring them.
_CLIENTS = {
    "curl": ("curl-minimal",),
    "wget": ("wget2",),
    "nc": ("netcat", "netcat-openbsd", "netcat-traditional", "nmap-ncat", "busybox"),
    "pg_isready": ("postgresql",),
    "redis-cli": ("redis",),
    "mysqladmin": ("mysql", "mariadb"),
    "pgrep": ("procps",),
    "ps": ("procps",),
    "ping": ("iputils-ping", "inetutils-ping", "iputils"),
    "dig": ("dnsutils", "bind9-dnsutils", "bind-tools"),
    "nslookup": ("dnsutils", "bind9-dnsutils", "bind-tools"),
    "jq": (),
    "lsof": (),
    "netstat": ("net-tools",),
    "ss": ("iproute2",),
}
_PROCPS = frozenset({"ps", "pgrep"})
#: What BusyBox brings to images of Alpine Linux.
_BUSYBOX = frozenset({"wget", "nc", "netstat", "lsof", "pgrep", "ps", "ping", "nslookup"})


class MissingHealthcheckProgram(Rule):
    """A HEALTHCHECK that runs a program which the image does not have.

    Every container is unhealthy from the start, and whatever restarts or replaces unhealthy
    containers does so for ever. It happens when the base becomes a `slim`, `alpine` or distroless
    one: `curl` and `wget` are in `python:3.12`, neither is in `python:3.12-slim`, and
    `python:3.12-alpine` has a `wget` of BusyBox.

    It speaks of `curl`, `wget`, `pgrep` and the like in images of `debian`, `ubuntu`, `alpine`, of
    official languages in their `slim` and `alpine` variants, of .NET, distroless and `scratch`. It
    is silent where the program may be installed or copied: by name, by a script, or with a folder.
    """

    code = "SL215"
    roles = SHIPPED
    examples = (
        Bad(
            """
            FROM python:3.12 AS build
            RUN pip install --target /app flask
            FROM python:3.12-slim
            COPY --from=build /app /app
            HEALTHCHECK CMD curl -f http://localhost:8000/ || exit 1
                            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `curl` is not in `python:3.12-slim`, and nothing installs it
            """
        ),
        Bad(
            """
            FROM scratch
            COPY server /server
            HEALTHCHECK CMD ["wget", "-q", "http://localhost:8000/"]
                             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `wget` is not in `scratch`, and nothing installs it
            CMD ["/server"]
            """
        ),
        Good(
            """
            FROM node:22-alpine
            HEALTHCHECK CMD wget -q http://localhost:8000/ || exit 1
            """
        ),
        Good(
            """
            FROM debian:bookworm-slim AS base
            RUN apt-get update && apt-get install -y --no-install-recommends curl
            FROM base
            HEALTHCHECK CMD curl -f http://localhost:8000/ || exit 1
            """
        ),
        Good(
            """
            FROM debian:bookworm-slim
            COPY install.sh /
            RUN /install.sh
            HEALTHCHECK CMD curl -f http://localhost:8000/ || exit 1
            """
        ),
        Good(
            """
            FROM nginx
            HEALTHCHECK CMD curl -f http://localhost/ || exit 1
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        if file.is_huge:
            return
        for index in sorted(file.shipped):
            stage = file.stages[index]
            moments = file.moments_behind(stage)
            check = start(moments).healthcheck
            root = file.chain(stage)[0].base
            image = file.histories[index].image
            for call in check.started if check else ():
                if call.name not in _CLIENTS or may_have(moments, call.name, *_CLIENTS[call.name]):
                    continue
                if root.is_scratch or (image and _lacks(image, call.name)):
                    message = f"`{call.name}` is not in `{root.raw}`, and nothing installs it"
                    yield self.finding(file, call.span, message, stage=stage)


def _lacks(image: Description, program: str) -> bool:
    """Is the *program* known not to be in the image?"""
    if image.os == "windows" or not image.is_certain:
        return False
    if not image.has_shell:
        return True
    if image.os == "alpine":
        is_plain = image.kind in (Kind.OS, Kind.RUNTIME) and image.family.language != "php"
        return is_plain and program not in _BUSYBOX
    if program in _PROCPS and (image.os != "debian" or image.family.language in ("ruby", "dotnet")):
        return False  # Ubuntu has them, and so have older variants of `ruby`
    if image.kind is Kind.OS:
        return image.os in ("debian", "ubuntu")
    is_dotnet = image.family.path in ("dotnet/aspnet", "dotnet/runtime")
    return image.is_slim or (is_dotnet and image.os in ("debian", "ubuntu"))
