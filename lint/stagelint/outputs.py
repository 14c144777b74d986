"""Several outputs of one run: which formats go where, and writing those that go to files."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Iterable, Sequence

from stagelint import discover
from stagelint.config import FORMATS
from stagelint.source import Source, encode
from stagelint.syntax.characters import nearest
from stagelint.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from stagelint.session import Session

#: A format, and the file it goes to; empty for stdout.
Output = tuple[str, str]


def parse(text: str) -> Output:
    """What `FORMAT[:FILE]` says; `-` for the file is stdout. Raises `ValueError`."""
    form, colon, path = text.partition(":")
    if form not in FORMATS:
        near = nearest(form, list(FORMATS))
        hint = f"did you mean `{near[0]}`?" if near else f"known are {', '.join(FORMATS)}"
        raise ValueError(f"there is no format `{form}`; {hint}")
    if colon and not path:
        raise ValueError(f"`{text}` names no file after the colon")
    return form, "" if path == "-" else path


def chosen(given: Namespace, variable: str, configured: str) -> Sequence[Output]:
    """The outputs that the command line asks for, else the environment, else the configuration.

    *variable* is the value of that of the environment. Raises `ValueError`.
    """
    outputs: list[Output] = list(given.output_format or ())
    if not outputs:
        outputs.append(_of_variable(variable) if variable else (configured, ""))
    printed = [number for number, (_, path) in enumerate(outputs) if not path]
    if len(printed) > 1:
        forms = " and ".join(f"`{outputs[number][0]}`" for number in printed)
        raise ValueError(
            f"only one format can be printed, not {forms}; give the others a file:"
            f" --output-format {outputs[printed[0]][0]}:FILE"
        )
    if given.output_file is not None:
        if not printed:
            raise ValueError("-o is for a format without a file, and each has one")
        path = "" if given.output_file == "-" else given.output_file
        outputs[printed[0]] = (outputs[printed[0]][0], path)
    return outputs


def _of_variable(value: str) -> Output:
    from stagelint.session import OUTPUT_FORMAT

    try:
        return parse(value)
    except ValueError as error:
        raise ValueError(f"{OUTPUT_FORMAT}: {error}") from None


def check(paths: Sequence[str], sources: Iterable[Source], session: Session) -> None:
    """Raises `UsageError` if a file of *paths* could not be written, or should not be."""
    from stagelint.session import UsageError

    if session.arguments.diff:
        raise UsageError("--diff shows changes instead of findings, so no findings can be written")
    linted = {os.path.realpath(source.path) for source in sources}
    known: set[str] = set()
    for path in paths:
        full = os.path.realpath(path)
        folder = os.path.dirname(path)
        if not os.path.isdir(folder or os.curdir):
            raise UsageError(f"{path}: there is no folder `{folder}`; make it first")
        if os.path.isdir(full):
            raise UsageError(f"{path}: is a folder; name a file in it")
        if full in linted:
            raise UsageError(f"{path}: is linted, and would be overwritten; name another file")
        if full in known:
            raise UsageError(f"{path}: two formats cannot be written to one file")
        known.add(full)


def save(path: str, lines: Iterable[str]) -> list[str]:
    """Write *lines* to *path*, all or none of them; returns what went wrong."""
    text = "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)
    try:
        discover.put(path, encode(text))
    except discover.ReplaceError as error:
        return [f"{path}: {error}"]
    return []
