from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.consent import DNF_ASKS, answer, asked
from stagelint.rule import Bad, Finding, Good, Rule, Severity


class InteractiveDnf(Rule):
    """A call of `dnf` that asks for consent, which nobody gives in a build.

    It aborts the build as soon as there is anything to install or to remove.

    It speaks of all commands of `dnf`, `dnf5`, `microdnf` or `tdnf` that ask, such as `install`,
    `upgrade` and `remove`, without `-y` or `--assumeyes`; hadolint knows those that install alone.
    It is silent where hadolint is not: about calls that are fed by a pipe, as in
    `yes | dnf install`, and where an instruction above writes `assumeyes` to a file. Of `microdnf`
    it is information, since older releases never ask. The fix adds `-y`.
    """

    code = "DL3038"
    words = ("dnf",)
    examples = (
        Bad(
            """
            FROM example.com/linux:9
            RUN dnf install -q curl-8.2 && dnf clean all
                ^^^^^^^^^^^ `dnf install` asks for consent, and nobody answers
            """,
            fixed="""
            FROM example.com/linux:9
            RUN dnf install -y -q curl-8.2 && dnf clean all
            """,
            unsafe=True,
        ),
        Good(
            """
            FROM example.com/linux:9
            RUN dnf install -yq curl-8.2 && dnf -y upgrade && dnf --assumeyes remove vim && dnf clean all
            RUN yes | dnf install vim-9.1
            RUN echo assumeyes=1 >> /etc/dnf/dnf.conf && dnf install git-2.43
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in file.stages:
            for run, told in asked(file, stage, DNF_ASKS):
                yield self.finding(
                    file,
                    told.head,
                    f"`{told.program} {told.verb}` asks for consent, and nobody answers",
                    stage=stage,
                    severity=Severity.INFO if told.program == "microdnf" else None,
                    fix=answer(run, told, DNF_ASKS),
                )
