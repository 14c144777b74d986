"""What a verification came to, for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from stagelint.model import byte_counts
from stagelint.report.parts import plural
from stagelint.report.terminal import Style, escape
from stagelint.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from stagelint.verify.verdict import Difference, Entry, Part, Setting, Verdict

#: Differences shown of one target.
MAX_SHOWN = 20
#: Characters shown of a value of the config.
_WIDTH = 60


def render(verdict: Verdict, *, color: bool, quiet: bool = False) -> Iterator[str]:
    """The lines, without newlines, that say what came of two files; if *quiet* only what is bad.

    Everything that stems from a file or a builder is escaped.
    """
    style = Style(color)
    if quiet and verdict.outcome == "same":
        return
    by = f" (by {escape(verdict.builder)})" if verdict.builder else ""
    yield f"{style.bold(escape(verdict.path))}: {_headline(verdict, style)}{by}"
    for line in verdict.lines:
        yield f"  | {escape(line)}"
    for part in verdict.parts:
        if not quiet or not part.is_same:
            yield from _part(part, style)


def _headline(verdict: Verdict, style: Style) -> str:
    if verdict.outcome == "same":
        return style.green("builds the same")
    if verdict.outcome == "different":
        reason = f": {escape(verdict.reason)}" if verdict.reason else ""
        return style.red("does not build the same") + reason
    return f"{style.red('could not tell')}: {escape(verdict.reason)}"


def _part(part: Part, style: Style) -> Iterator[str]:
    label = style.bold(f"`{escape(part.target.label)}`")
    if part.is_identical:
        yield f"  {label}: identical build: {_shared(part)}"
        return
    if part.is_same:
        files = plural(part.files, "file")
        yield f"  {label}: same image: {files} and the config; {_shared(part)} the same"
    else:
        yield f"  {label}: {style.red('different image')}; {_shared(part)} the same"
    yield from _indented(map(_setting, part.settings))
    yield from _indented(_listed(part.differences))
    yield from _apart("in caches and logs, which may differ", part.caches)
    yield from _apart("as between two builds of the old file", part.unstable)
    yield from _indented(_costs(part))


def _shared(part: Part) -> str:
    return f"{part.shared} of {plural(part.total, part.unit)}"


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"    {line}" for line in lines)


def _setting(setting: Setting) -> str:
    return f"config: {setting.name}: {_value(setting.before)} -> {_value(setting.after)}"


def _value(text: str) -> str:
    text = escape(text)
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 3]}..."


def _listed(differences: Sequence[Difference]) -> Iterator[str]:
    for each in differences[:MAX_SHOWN]:
        yield f"{escape(each.path)}: {', '.join(_changes(each))}"
    if len(differences) > MAX_SHOWN:
        yield f"... and {len(differences) - MAX_SHOWN} more"


def _apart(where: str, differences: Sequence[Difference]) -> Iterator[str]:
    if differences:
        yield f"    differ {where}: {plural(len(differences), 'path')}"
        yield from _indented(_indented(_listed(differences)))


def _changes(difference: Difference) -> Iterator[str]:
    before, after = difference.before, difference.after
    if before is None or after is None:
        found = before or after
        size = f", {byte_counts.shown(found.size)}" if found and found.content else ""
        yield f"{''.join(difference.aspects)}{size}"
        return
    aspects = difference.aspects
    if aspects & {"content", "size"}:
        yield f"content ({byte_counts.shown(before.size)} -> {byte_counts.shown(after.size)})"
    for name in ("kind", "mode", "owner", "target", "xattrs"):
        if name in aspects:
            yield f"{name} ({_aspect(before, name)} -> {_aspect(after, name)})"


def _aspect(entry: Entry, name: str) -> str:
    if name == "mode":
        return f"{entry.mode:04o}"
    if name == "owner":
        return ":".join(map(str, entry.owner))
    if name == "xattrs":
        return _value(", ".join(key for key, _ in entry.xattrs) or "none")
    return _value(str(getattr(entry, name)) or "none")


def _costs(part: Part) -> Iterator[str]:
    """Layers and bytes, then seconds; those of one run say little."""
    if part.sizes:
        yield " -> ".join(
            f"{plural(x.layers, 'layer')}, {byte_counts.shown(x.bytes)}" for x in part.sizes
        )
    old, new = part.costs
    yield (
        f"built in {old.seconds:.1f} s -> {new.seconds:.1f} s, with {old.cached} of {old.steps}"
        f" -> {new.cached} of {plural(new.steps, 'step')} from the cache (one run on this machine)"
    )
