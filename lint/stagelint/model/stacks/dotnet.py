"""Programs for .NET: what `dotnet publish` writes, run by the runtime."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from stagelint.model.base_images import Description
from stagelint.model.calls import Call
from stagelint.model.file import File
from stagelint.model.moments import Moment, absolute
from stagelint.model.stacks import runtimes
from stagelint.model.stacks.artifacts import calls, single
from stagelint.model.stacks.brought import toolchain
from stagelint.model.stacks.division import Division
from stagelint.model.stacks.plans import Copy, Found, Plan, Refused
from stagelint.model.stacks.recipes import Recipe
from stagelint.model.stacks.sources import Sources
from stagelint.model.stacks.started import Started, started
from stagelint.model.stages import Stage

_VERBS = frozenset("restore build publish test tool clean".split())
_VARIABLES = r"NUGET_\w+|DOTNET_CLI_\w+|DOTNET_NOLOGO|DOTNET_SKIP_FIRST_TIME_EXPERIENCE|MSBUILD\w*"
#: What is compiled. Settings, pages and the like are read from where the program is started.
_SOURCE = (
    r"(?:.*/)?(?:[^/]+\.(?:cs|fs|vb|cshtml|razor|resx|xaml|csproj|fsproj|vbproj|sln|slnx|props|targets|"
    r"user|ruleset|editorconfig)|global\.json|nuget\.config|NuGet\.Config|packages\.lock\.json|"
    r"launchSettings\.json|(?:bin|obj)/.*)"
)
_STARTS_OTHERS = r"\bProcess\.Start\b|\bProcessStartInfo\b|\bDllImport\b|\bLibraryImport\b"
_ADDRESSES = ("ASPNETCORE_URLS", "ASPNETCORE_HTTP_PORTS", "URLS")
#: Tags of SDKs whose runtime has the same.
_TAG = r"(\d+\.\d+)(-(?:bookworm-slim|bullseye-slim|jammy|noble|focal))?"


def recognise(file: File, stage: Stage) -> Found | None:
    """See `stacks`."""
    brought = toolchain(file, stage, ("dotnet",))
    return brought.found(lambda: _plan(file, stage)) if brought else None


def _plan(file: File, stage: Stage) -> Plan:
    image = runtimes.base(file, stage)
    division = Division(file, stage, _builds, is_source)
    sources, run = division.sources, started(file, stage)
    folder, project = _published(division.above, sources, run)
    sources.refuse(_STARTS_OTHERS, "the program starts or loads others")
    is_web = re.search(r"Sdk\s*=\s*\"Microsoft\.NET\.Sdk\.(?:Web|Worker)\"", project) is not None
    if is_web:
        _check_address(file, stage, run)
    runtime = _runtime(
        image, "aspnet" if is_web or "Microsoft.AspNetCore.App" in project else "runtime"
    )
    holds = ("no library of the program starts programs of the base",)
    return division.plan(Recipe(runtime, run, (folder,), _VARIABLES, holds=holds))


def _builds(call: Call) -> bool:
    return call.name == "dotnet" and bool(call.words) and call.words[0] in _VERBS


def is_source(path: str) -> bool:
    """Is *path* of the build context read by the compiler alone?"""
    return re.fullmatch(_SOURCE, path) is not None


def _runtime(image: Description, name: str) -> str:
    """The runtime of the SDK's version and OS, from the same registry. Raises `Refused`."""
    reference = image.reference
    tag = re.fullmatch(_TAG, reference.tag)
    if not tag or not reference.path.endswith("dotnet/sdk"):
        raise Refused(f"it is not known which runtime is like `{reference}`")
    path = f"{reference.path.removesuffix('sdk')}{name}"
    return str(reference._replace(path=path))


def _check_address(file: File, stage: Stage, run: Started) -> None:
    """The SDK's images and the runtime's have it listen on other ports, unless it is told."""
    moments = file.moments_behind(stage)
    said = {pair.key for moment in moments for pair in moment.instruction.pairs}
    if said.isdisjoint(_ADDRESSES) and not any("urls" in word for word in run.words):
        reason = (
            "the image of the runtime has it listen on another port, unless ASPNETCORE_URLS is set"
        )
        raise Refused(reason, run.moment.instruction)


def _published(moments: Sequence[Moment], sources: Sources, run: Started) -> tuple[Copy, str]:
    """The folder that is published, and the text of the project."""
    program = next((each for each in run.arguments if each and each.endswith(".dll")), None)
    if run.name != "dotnet" or program is None:
        raise Refused(f"it is not a program of .NET that it starts, but `{run.path}`")
    path = run.absolute(program)
    folder, name = posixpath.split(path)
    made = {each: moment for moment, call in calls(moments) for each in _outputs(moment, call)}
    if single(made, run.moment) != folder:
        raise Refused(f"`{program}` is not where `dotnet publish` puts it", run.moment.instruction)
    stem = name.removesuffix(".dll")
    for project in sources.named(f"{stem}.csproj"):
        return Copy((folder,), folder), sources.text(project) or ""
    raise Refused(f"there is no `{stem}.csproj`", run.moment.instruction)


def _outputs(moment: Moment, call: Call) -> Iterator[str]:
    if call.name != "dotnet" or call.words[:1] != ("publish",):
        return
    output = absolute(call.option("-o", "--output") or "", call.directory)
    is_alone = any(
        re.search(r"(?i)self-contained|\A--sc\Z|PublishSingleFile|Aot", e or "")
        for e in call.arguments
    )
    if not call.option("-o", "--output") or output is None or is_alone:
        raise Refused("it is not known what this publishes, and where", moment.instruction)
    yield output.rstrip("/")
