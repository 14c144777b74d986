from __future__ import annotations

import re
from collections.abc import Iterator

from stagelint.edit import Edit, Fix, Guarantee
from stagelint.model import File
from stagelint.model.calls import Call
from stagelint.rule import Bad, Finding, Good, Rule, Severity
from stagelint.source import Span

#: What `apt-get` does in the same way.
_SAME = frozenset({"update", "install", "remove", "purge", "autoremove", "clean", "autoclean"})


class AptInScript(Rule):
    """A script calls `apt`, which is made for people.

    Its options and output may change from one release to the next; those of `apt-get` do not.

    It speaks of every call of `apt`, in `sh -c` and behind `sudo` as well, where hadolint does not
    look. It is information, since `apt install` works and will for long. The fix calls `apt-get`
    instead, for the commands that do the same in both, unless a name is a pattern, which they read
    differently.
    """

    code = "DL3027"
    severity = Severity.INFO
    default = False
    words = ("apt",)
    examples = (
        Bad(
            """
            FROM debian:12
            RUN apt update && apt install -y curl
                ^^^ `apt` is made for people, `apt-get` for scripts
                              ^^^ `apt` is made for people, `apt-get` for scripts
            """,
            fixed="""
            FROM debian:12
            RUN apt-get update && apt-get install -y curl
            """,
            unsafe=True,
        ),
        Bad(
            """
            FROM debian:12
            RUN apt list && sh -c "apt install -y curl"
                ^^^ `apt` is made for people, `apt-get` for scripts
                                  ^^^^^^^^^^^^^^^^^^^^^ `apt` is made for people, `apt-get` for scripts
            """
        ),
        Good(
            """
            FROM debian:12
            RUN apt-get update && apt-get install -y curl && apt-cache search vim && command -v apt
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in file.stages:
            for run in file.written(stage):
                for call in run.calls:
                    if call.name == "apt":
                        yield self.finding(
                            file,
                            call.name_span,
                            "`apt` is made for people, `apt-get` for scripts",
                            stage=stage,
                            fix=_fix(file, call),
                        )


def _fix(file: File, call: Call) -> Fix | None:
    span = call.name_span
    is_plain = call.is_known and not any(re.search(r"[*?[^$|]", word) for word in call.words)
    if file.source.text[span.start : span.end] != call.path or not is_plain:
        return None
    if next(iter(call.words), "") not in _SAME:
        return None
    edit = Edit(Span(span.end - len("apt"), span.end), "apt-get")
    return Fix("Call `apt-get`", (edit,), Guarantee.SAME_BUT_CACHES)
