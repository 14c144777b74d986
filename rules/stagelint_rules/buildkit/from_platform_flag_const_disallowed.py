from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.lookups import in_flag
from stagelint.model.stages import SYSTEMS
from stagelint.rule import Bad, Finding, Good, Rule, Severity

_OTHER_NAMES = {
    "macos": "darwin",
    "x86_64": "amd64",
    "x86-64": "amd64",
    "aarch64": "arm64",
    "i386": "386",
    "armhf": "arm",
    "armel": "arm",
}


class FromPlatformFlagConstDisallowed(Rule):
    """A FROM for one fixed platform.

    The file then builds that platform alone, whatever `docker build --platform` asks for. It is fine
    where the name of the stage says so, as in `AS linux-tools` or `AS amd64`: then other stages are
    there for other platforms. `--platform=$BUILDPLATFORM` is for a stage whose programs run while
    building. BuildKit's own check `FromPlatformFlagConstDisallowed`.
    """

    code = "BK012"
    severity = Severity.INFO
    aliases = ("FromPlatformFlagConstDisallowed", "DL3029")
    words = ("--platform",)
    examples = (
        Bad(
            """
            FROM --platform=linux/amd64 alpine AS base
                 ^^^^^^^^^^^^^^^^^^^^^^ the stage is for `linux/amd64` alone
            """
        ),
        Good(
            """
            FROM --platform=linux/amd64 alpine AS tools-amd64
            FROM --platform=$BUILDPLATFORM alpine AS base
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in file.stages:
            flag = stage.platform
            if not flag or not flag.value or any(in_flag(stage.opening, "platform")):
                continue
            system, architecture = _parsed(flag.value.strip("\"'"))
            name = stage.name or ""
            if not system or system in name or (architecture and architecture in name):
                continue
            span = stage.opening.logical.span(flag.start, flag.end)
            message = f"the stage is for `{flag.value}` alone"
            yield self.finding(file, span, message, stage=stage)


def _parsed(platform: str) -> tuple[str, str]:
    """System and architecture, as containerd reads them; of one word alone the other is implied."""
    first, _, rest = platform.lower().partition("/")
    first, second = (_OTHER_NAMES.get(each, each) for each in (first, rest.partition("/")[0]))
    if rest or first in SYSTEMS:
        return first, second
    return "linux", first
