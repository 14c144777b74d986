"""How package managers are kept from asking, and from installing what is only recommended.

Sources: apt-get(8), apt.conf(5), yum(8), dnf(8), zypper(8).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from stagelint.edit import Fix, Guarantee
from stagelint.model.calls import Call
from stagelint.model.file import File
from stagelint.model.moments import Moment
from stagelint.model.packages import ManagerCall, manager_calls
from stagelint.model.rewriting import add_option
from stagelint.model.stages import Stage
from stagelint.tuples import NamedTuple


class Questions(NamedTuple):
    """What a manager asks for, and how it is told the answer."""

    programs: frozenset[str]
    verbs: frozenset[str]
    """What it asks at."""
    answers: str
    """Options that answer, any of them enough; a pattern."""
    setting: str
    """What an instruction says that configures it for all calls after; a pattern."""
    option: str
    """The option to give it."""
    is_global: bool = False
    """Does that stand in front of the verb?"""


APT_ASKS = Questions(
    frozenset({"apt-get", "apt"}),
    frozenset(
        "install reinstall remove purge autoremove upgrade dist-upgrade full-upgrade build-dep".split()
    ),
    r"-[A-Za-z]{0,9}y[A-Za-z]{0,9}|--yes|--assume-yes|-\w{0,9}qq+|--quiet=[2-9]|-q=[2-9]"
    r"|(?:-o)?(?i:apt::get::assume-yes)(?:=(?:1|true|yes|on))?"
    r"|-s|--simulate|--just-print|--dry-run|--recon|--no-act|--print-uris",
    r"(?i)assume-yes[\s\"'\\]+(?:true|1|yes)|\A\s*(?:COPY|ADD)\s.*/etc/apt/apt\.conf",
    "-y",
)
#: What yum and dnf are told to install or upgrade.
RPM_INSTALLS = frozenset(
    {
        *"install groupinstall localinstall reinstall update upgrade distro-sync".split(),
        *("group install", "group update", "group upgrade", "module install", "module update"),
    }
)
_RPM_VERBS = RPM_INSTALLS | frozenset(
    {
        *"remove erase autoremove downgrade swap groupremove groupupdate builddep".split(),
        *("group remove", "module remove", "module enable"),
    }
)
_RPM_ANSWERS = (
    r"-[A-Za-z]{0,9}y[A-Za-z]{0,9}|--assumeyes|--assumeno|--setopt=assumeyes=\S+|assumeyes=\S+"
)
YUM_ASKS = Questions(
    frozenset({"yum"}), _RPM_VERBS, _RPM_ANSWERS, r"(?i)(?<![\w=-])assumeyes\s*=", "-y"
)
DNF_ASKS = YUM_ASKS._replace(programs=frozenset({"dnf", "dnf5", "microdnf", "tdnf"}))
ZYPPER_ASKS = Questions(
    frozenset({"zypper"}),
    frozenset(
        """
        install in remove rm update up patch dist-upgrade dup source-install si
        install-new-recommends inr
        """.split()
    ),
    r"-[A-Za-z]{0,9}[ny][A-Za-z]{0,9}|--non-interactive|--no-confirm|-D|--dry-run",
    r"(?!)",
    "--non-interactive",
    is_global=True,
)


def asked(file: File, stage: Stage, questions: Questions) -> Iterator[tuple[Moment, ManagerCall]]:
    """The calls in the RUNs of *stage* that wait for an answer which nobody gives."""
    found = [
        (run, told)
        for run in file.written(stage)
        for told in manager_calls(run.calls)
        if told.program in questions.programs
        and told.verb in questions.verbs
        and not _is_answered(told.call, questions)
    ]
    return unconfigured(file, stage, questions.setting, found)


def answer(run: Moment, told: ManagerCall, questions: Questions) -> Fix | None:
    """The fix that gives the answer to one of those, if it can be written."""
    at = -1 if questions.is_global else told.at
    edits = add_option(run.instruction, told.call, at, questions.option)
    return Fix(f"Add `{questions.option}`", edits, Guarantee.BEHAVIOUR) if edits else None


def unconfigured(
    file: File, stage: Stage, setting: str, found: Sequence[tuple[Moment, ManagerCall]]
) -> Iterator[tuple[Moment, ManagerCall]]:
    """Those of *found*, calls in *stage*, above the first instruction that says *setting*, a pattern."""
    configured = file.histories[stage.index].first_saying(setting) if found else None
    return (each for each in found if configured is None or each[0].instruction.start < configured)


#: Options of APT not to install what is recommended.
_UNRECOMMENDED = (
    r"--no-install-recommends(?:=true|=1)?|(?:-o)?(?i:apt::install-recommends)=(?:false|0|no|off)"
)
#: What a file that configures APT says for that.
_NOT_RECOMMENDED = r"(?i)install-recommends[\s\"'\\]+(?:false|0|no)"


def installs_recommended(file: File, stage: Stage) -> Iterator[tuple[Moment, ManagerCall]]:
    """The calls of APT in *stage* that install what is recommended as well."""
    found = [
        (run, each.told)
        for run in file.written(stage)
        for each in run.packages
        if each.told
        and each.told.program in APT_ASKS.programs
        and each.told.verb == "install"
        and (each.names or each.sources or not each.is_complete)
        and not any(re.fullmatch(_UNRECOMMENDED, word or "") for word in each.call.arguments)
    ]
    return unconfigured(file, stage, _NOT_RECOMMENDED, found)


def _is_answered(call: Call, questions: Questions) -> bool:
    if call.is_fed or not call.is_known:
        return True
    words = [word for word in call.arguments if word]
    if "apt-get" in questions.programs and words.count("-q") + words.count("--quiet") > 1:
        return True
    return any(re.fullmatch(questions.answers, word) for word in words)
