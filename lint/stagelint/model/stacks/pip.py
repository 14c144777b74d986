"""What calls of pip install in a build, and where that is to be copied from."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from stagelint.edit import Edit
from stagelint.model.base_images import Description
from stagelint.model.calls import Call
from stagelint.model.moments import Moment, absolute
from stagelint.model.packages import ManagerCall, packages
from stagelint.model.requirements import Requirements, read, requirement
from stagelint.model.rewriting import add_option
from stagelint.model.stacks.artifacts import calls
from stagelint.model.stacks.interpreted import Interpreted
from stagelint.model.stacks.plans import Refused
from stagelint.source import Span
from stagelint.tuples import NamedTuple

#: Where packages are installed that are copied to where they would have been.
PREFIX = "/install"
#: What pip brings itself up to date with.
_TOOLS = frozenset({"pip", "setuptools", "wheel"})
#: What pip does that changes nothing.
_IDLE = frozenset({"cache", "check", "debug", "list", "show", "help", ""})
#: Options with which packages go elsewhere, or stay where their sources are.
_ELSEWHERE = (
    r"--(?:target|prefix|root|user|editable|src|python|platform|dry-run|no-index)(?:=.*)?|-[te].*"
)
#: Variables that say the same.
_VARIABLES = (
    *("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PIP_PYTHON", "PIP_NO_BINARY", "PIP_EDITABLE"),
    *("PYTHONUSERBASE", "PYTHONHOME", "VIRTUALENV"),
)  # fmt: skip


class Installed(NamedTuple):
    """What pip installs."""

    wanted: Requirements
    folder: str
    """Where it is: a virtual environment, or `PREFIX`, which *edits* have pip install to."""
    edits: tuple[Edit, ...]


def is_of_pip(call: Call) -> bool:
    """Is it pip, or what makes a virtual environment?"""
    if re.fullmatch(r"python[\d.]*", call.name):
        return call.arguments[:2] in (("-m", "pip"), ("-m", "venv"))
    return re.fullmatch(r"pip[\d.]*", call.name) is not None or call.name == "virtualenv"


def installed(division: Interpreted, image: Description) -> Installed:
    """What pip installs above the end of the build. Raises `Refused` where that is not known."""
    environment = _environment(division)
    wanted, edits = Requirements(), list[Edit]()
    for moment, told in _told(division):
        asked = _asked(division, moment, told)
        if not environment and asked.names <= _TOOLS:
            _check_tools(asked, image, moment)
            continue
        wanted = wanted.joined(asked)
        edits += () if environment else _with_prefix(moment, told)
    if len(edits) > 1:
        edits.insert(0, _seen(division, image))
    tool = min(wanted.names & _TOOLS, default=None)
    if not wanted.names or (tool and not environment):
        raise Refused(
            f"`{tool}` is there in another version, too" if tool else "nothing is installed"
        )
    return Installed(wanted, environment or PREFIX, tuple(edits))


def _told(division: Interpreted) -> Iterator[tuple[Moment, ManagerCall]]:
    """The calls of pip that install. Raises `Refused` for what else it may change."""
    for moment, call in calls(division.above):
        if not is_of_pip(call) or _makes_environment(call):
            continue
        each = next(packages((call,)), None)
        if each is None or each.told is None:
            words = call.words[1:] if call.name.startswith("python") else call.words
            verb = words[0] if words else ""
            if verb not in _IDLE:
                raise Refused(f"it is not known what `pip {verb}` changes", moment.instruction)
            continue
        _check_options(moment, call, is_removal=each.is_removal)
        yield moment, each.told


def _check_options(moment: Moment, call: Call, *, is_removal: bool) -> None:
    node = moment.instruction
    option = next((e for e in call.arguments if e and re.fullmatch(_ELSEWHERE, e)), None)
    variable = next((e for e in _VARIABLES if e in call.settings or moment.declares(e)), None)
    if option or variable:
        raise Refused(f"`{option or variable}` decides where packages go", node)
    if is_removal or not call.is_known:
        raise Refused("it is not known what this installs", node)


def _asked(division: Interpreted, moment: Moment, told: ManagerCall) -> Requirements:
    node, each = moment.instruction, next(packages((told.call,)))
    if each.sources:
        raise Refused(f"it is not known what `{each.sources[0][0]}` needs", node)
    found = Requirements()
    for word in each.words:
        found = found.joined(requirement(word))
    for name in _files(told.call):
        path = absolute(name, told.call.directory)
        listed = read(path, division.text) if path else None
        if listed is None:
            raise Refused(f"`{name}` is not known, nor what it asks for", node)
        found = found.joined(listed)
    if found.unknown:
        raise Refused(f"it is not known what `{' '.join(found.unknown.split())[:60]}` needs", node)
    return found


def _files(call: Call) -> Iterator[str]:
    """Those of `-r`."""
    for word, after in zip(call.arguments, (*call.arguments[1:], ""), strict=True):
        found = re.fullmatch(r"(?:--requirement=|-r)(.+)", word or "")
        if found:
            yield found[1]
        elif word in ("-r", "--requirement"):
            yield after or ""


def _check_tools(asked: Requirements, image: Description, moment: Moment) -> None:
    """A newer pip stays behind; images of Python before 3.12 bring `setuptools`."""
    is_brought = len(image.version) > 1 and image.version < (3, 12)
    if "setuptools" in asked.names and not is_brought:
        raise Refused("the program may import `setuptools`", moment.instruction)


def _with_prefix(moment: Moment, told: ManagerCall) -> Sequence[Edit]:
    edits = add_option(moment.instruction, told.call, told.at, f"--prefix={PREFIX}")
    if not edits:
        raise Refused("pip stands within a word", moment.instruction)
    return edits


def _seen(division: Interpreted, image: Description) -> Edit:
    """What has each call of pip see what the others have installed."""
    if len(image.version) < 2:
        raise Refused("pip is called several times, and the version of Python is not known")
    told = next((each for each in division.above if each.declares("PYTHONPATH")), None)
    if told:
        raise Refused("`PYTHONPATH` is set, and pip has to be told another", told.instruction)
    folder = f"{PREFIX}/lib/python{image.version[0]}.{image.version[1]}/site-packages"
    at = division.opening.end
    return Edit(Span(at, at), f"ENV PYTHONPATH={folder}\n")


# -- virtual environments --------------------------------------------------------------------------


def _makes_environment(call: Call) -> bool:
    return call.arguments[:2] == ("-m", "venv") or call.name == "virtualenv"


def _environment(division: Interpreted) -> str:
    """The folder of the one that all is installed in; empty if none is made. Raises `Refused`."""
    made = [each for each in calls(division.above) if _makes_environment(each[1])]
    if not made:
        other = next((each for each in division.above if _path(each) is not None), None)
        if other:
            raise Refused("`PATH` may lead to another Python", other.instruction)
        return ""
    moment, call = made[0]
    words = call.words[1:] if call.name != "virtualenv" else call.words
    path = absolute(words[0], call.directory) if len(words) == 1 and call.is_known else None
    if len(made) > 1 or path is None:
        raise Refused("it is not known where the packages go", moment.instruction)
    folder = f"{path.rstrip('/')}/bin"
    for at, each in calls(division.above):
        if is_of_pip(each) and each is not call and _folder(division, at, each) != folder:
            raise Refused(f"`{each.name}` may be another than that in `{folder}`", at.instruction)
    return path.rstrip("/")


def _folder(division: Interpreted, moment: Moment, call: Call) -> str | None:
    """Where the program of *call* lies, as far as ENV says it."""
    if "/" in call.path or "PATH" in call.settings:
        return posixpath.dirname(call.path)
    before = [each for each in division.above if each.instruction.start < moment.instruction.start]
    paths = [path for each in before if (path := _path(each)) is not None]
    return paths[-1] if paths else None


def _path(moment: Moment) -> str | None:
    """The first folder of the PATH that *moment* sets, if it does."""
    if moment.instruction.keyword != "ENV":
        return None
    values = [pair.value or "" for pair in moment.instruction.pairs if pair.key == "PATH"]
    return (moment.expand(values[-1].strip("\"'").partition(":")[0]) or "") if values else None
