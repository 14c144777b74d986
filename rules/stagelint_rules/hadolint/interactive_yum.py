from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.consent import YUM_ASKS, answer, asked
from stagelint.rule import Bad, Finding, Good, Rule


class InteractiveYum(Rule):
    """A call of `yum` that asks for consent, which nobody gives in a build.

    It aborts the build as soon as there is anything to install or to remove.

    It speaks of all commands of `yum` that ask, such as `install`, `upgrade` and `remove`, without
    `-y` or `--assumeyes`; hadolint knows those that install alone. It is silent where hadolint is
    not: about calls that are fed by a pipe, as in `yes | yum install`, and where an instruction
    above writes `assumeyes` to a file. The fix adds `-y`.
    """

    code = "DL3030"
    words = ("yum",)
    examples = (
        Bad(
            """
            FROM example.com/linux:9
            RUN yum install -q curl-8.2 && yum clean all
                ^^^^^^^^^^^ `yum install` asks for consent, and nobody answers
            """,
            fixed="""
            FROM example.com/linux:9
            RUN yum install -y -q curl-8.2 && yum clean all
            """,
            unsafe=True,
        ),
        Good(
            """
            FROM example.com/linux:9
            RUN yum install -yq curl-8.2 && yum -y upgrade && yum --assumeyes remove vim && yum clean all
            RUN yes | yum install vim-9.1
            RUN echo assumeyes=1 >> /etc/dnf/dnf.conf && yum install git-2.43
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in file.stages:
            for run, told in asked(file, stage, YUM_ASKS):
                yield self.finding(
                    file,
                    told.head,
                    f"`{told.program} {told.verb}` asks for consent, and nobody answers",
                    stage=stage,
                    fix=answer(run, told, YUM_ASKS),
                )
