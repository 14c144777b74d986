from __future__ import annotations

import re
from collections.abc import Iterator

from stagelint.edit import Fix, Guarantee
from stagelint.model import File, byte_counts
from stagelint.model.base_images import Description, Size
from stagelint.model.doubts import Doubt, doubts
from stagelint.model.gains import Amount, Gain, Known
from stagelint.model.images import Reference
from stagelint.model.packages import packages
from stagelint.model.rewriting import build_on
from stagelint.model.stages import Stage
from stagelint.rule import SHIPPED, Bad, Finding, Good, Rule, Severity
from stagelint.tuples import NamedTuple

#: Bytes saved that are worth a finding, and a warning.
LITTLE, MUCH = 10_000_000, 50_000_000

#: Packages that link manual pages when they are set up, and fail where there is no folder for them
#: (https://bugs.debian.org/863199).
_MANUALS = r"openjdk-|default-(?:jre|jdk)|postgresql"


class OversizedFinalBase(Rule):
    """A base image that ships, of which a smaller variant exists.

    Every host that runs the image fetches all of its base. `python`, `node`, `ruby`, `perl`,
    `erlang` and `elixir` come with compilers, version control and header files for whoever builds
    extensions (the packages of `buildpack-deps`); their `slim` variants are the same version on the
    same Debian without them. `debian:...-slim` leaves out manuals and translations.

    The sizes are bytes of the compressed layers for linux/amd64, from the catalogue that comes with
    stagelint, the file that `sizes` in the configuration names, or `--sizes-from`; `stagelint
    catalog list` shows every row with its date and source. Of a version that is not in it the row of
    the same line counts (`about`), and of a line that is not in it, the message says whose sizes
    they are. Compressed, as of August 2026: `python:3.12` 411 MB and `python:3.12-slim` 43 MB,
    `node:22` 408 MB and 80 MB, `ruby:3.4` 421 MB and 85 MB, `erlang:28` 674 MB and 128 MB.

    It is a warning if the shipped stages are known to need nothing that the variant lacks. If they
    use a program that it lacks, run scripts, or install packages that may have to be compiled, it is
    information, and the note says what stands against it. Often the answer is to install in a stage
    of its own, and to copy the result. With `allow-libc-change` in the configuration, the `alpine`
    variant counts too, which has another C library.

    `final-base-budget = "150MB"` in the configuration makes every larger base an error, whatever
    variants there are.
    """

    code = "SL201"
    settings = ("final-base-budget", "allow-libc-change", "sizes", "registry-mirrors")
    roles = SHIPPED
    examples = (
        Bad(
            """
            FROM node:22 AS build
            WORKDIR /app
            COPY . .
            RUN npm ci && npm run build

            FROM node:22
                 ^^^^^^^ `node:22` is 408 MB compressed and `node:22-slim` 80 MB: 329 MB less (2026-09-19)
            WORKDIR /app
            COPY dist dist
            CMD ["node", "dist/server.js"]
            """,
            fixed="""
            FROM node:22 AS build
            WORKDIR /app
            COPY . .
            RUN npm ci && npm run build

            FROM node:22-slim
            WORKDIR /app
            COPY dist dist
            CMD ["node", "dist/server.js"]
            """,
            unsafe=True,
        ),
        Bad(
            """
            FROM python:3.12.4
                 ^^^^^^^^^^^^^ `python:3.12.4` is about 411 MB compressed and `python:3.12.4-slim` 43 MB: 368 MB less (2026-08-05)
            RUN git clone https://example.com/app
            """,
        ),
        Bad(
            """
            # what sets it up links manual pages
            FROM debian:bookworm
                 ^^^^^^^^^^^^^^^ `debian:bookworm` is 48 MB compressed and `debian:bookworm-slim` 28 MB: 20 MB less (2026-08-04)
            RUN apt-get update && apt-get install -y openjdk-17-jre-headless
            """,
        ),
        Bad(
            """
            FROM python:3.9-bullseye AS base
                 ^^^^^^^^^^^^^^^^^^^ `python:3.9-slim-bullseye` is smaller: of `python:3.13` it is 43 MB compressed instead of 413 MB (2026-08-05)
            FROM base AS test
            RUN pip install pytest
            FROM base
            COPY app /app
            CMD ["python", "/app/main.py"]
            """,
        ),
        Good(
            """
            FROM python:3.12 AS build
            RUN pip install --target /app flask
            FROM python:3.12-slim
            COPY --from=build /app /app
            """
        ),
        Good(
            """
            FROM golang:1.26
            RUN go build -o /app
            """
        ),
        Good(
            """
            FROM node:22-alpine
            COPY dist dist
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        targets: dict[int, list[Stage]] = {}
        for index in sorted(file.shipped):
            stage = file.stages[index]
            targets.setdefault(file.chain(stage)[0].index, []).append(stage)
        for root, stages in targets.items():
            yield from self._base(file, file.stages[root], stages)

    def _base(self, file: File, root: Stage, targets: list[Stage]) -> Iterator[Finding]:
        image = root.base.image
        if not image:
            return
        finding = self._over_budget(file, root, image) or self._smaller(file, root, targets)
        if finding:
            yield finding

    def _over_budget(self, file: File, root: Stage, image: str) -> Finding | None:
        budget = file.options.budget
        size = file.sizes.size(image) if budget is not None else None
        if budget is None or not size or size.is_other_line or size.bytes <= budget:
            return None
        message = (
            f"`{image}` is {_about(size)}{byte_counts.shown(size.bytes)} {size.measure}, over the"
            f" budget of {byte_counts.shown(budget)} ({size.row.as_of})"
        )
        return self.finding(
            file, root.base.span, message, stage=root, severity=Severity.ERROR, note=_origin(size)
        )

    def _smaller(self, file: File, root: Stage, targets: list[Stage]) -> Finding | None:
        described = file.histories[root.index].image
        choice = _choice(file, described) if described else None
        if described is None or choice is None or choice.saved < LITTLE:
            return None
        lacks = described.family.lacks
        against = next(
            (doubt for target in targets for doubt in doubts(file.moments_behind(target), lacks)),
            None,
        )
        fix, note = _fix(file, root, described, choice, against)
        return self.finding(
            file,
            root.base.span,
            choice.message,
            stage=root,
            severity=Severity.INFO if against or choice.saved < MUCH else Severity.WARNING,
            fix=fix,
            note=note,
            gain=Gain(shipped=Amount(choice.saved, Known.CATALOGUE)),
        )


class _Choice(NamedTuple):
    """A smaller variant, and what it saves."""

    reference: Reference
    saved: int
    message: str


def _choice(file: File, described: Description) -> _Choice | None:
    """The variant that saves most."""
    found = [
        choice
        for variant in described.variants(file.options.may_change_libc)
        if (choice := _compared(file, described.reference, variant))
    ]
    return max(found, key=lambda choice: choice.saved, default=None)


def _compared(file: File, full: Reference, variant: Reference) -> _Choice | None:
    before, after = file.sizes.size(str(full)), file.sizes.size(str(variant))
    if not before or not after or before.measure != after.measure:
        return None
    if before.is_other_line != after.is_other_line:
        return None
    saved = before.bytes - after.bytes
    date = min(before.row.as_of, after.row.as_of)
    sizes = byte_counts.rounded(before.bytes), byte_counts.rounded(after.bytes)
    if before.is_other_line or after.is_other_line:
        message = (
            f"`{variant}` is smaller: of `{before.row.reference}` it is {sizes[1]}"
            f" {after.measure} instead of {sizes[0]} ({date})"
        )
    else:
        message = (
            f"`{full}` is {before} and `{variant}` {sizes[1]}:"
            f" {byte_counts.rounded(saved)} less ({date})"
        )
    return _Choice(variant, saved, message)


def _about(size: Size) -> str:
    return "about " if size.is_estimated else ""


def _origin(size: Size) -> str:
    return f"size of `{size.row.reference}` from {size.row.source}"


def _fix(
    file: File, root: Stage, described: Description, choice: _Choice, against: Doubt | None
) -> tuple[Fix | None, str]:
    """The fix, or why there is none."""
    if against:
        line = file.source.position(against.moment.instruction.code_start).line
        return None, f"not fixed: {against.reason} (line {line})"
    manual = _manual(file, root)
    if manual:
        return None, f"not fixed: `{manual}` needs folders of manual pages, which the variant lacks"
    other = _other_user(file, root, described)
    if other:
        return None, f"not fixed: stage `{other.label}` is built on it too, and may need more"
    raw, tag = root.base.raw, described.reference.tag
    text = f"{raw.removesuffix(f':{tag}') if tag else raw}:{choice.reference.tag}"
    edit = build_on(file, root, text)
    if edit is None:
        return None, "not fixed: its name is put together from variables"
    if described.reference.digest:
        return None, "not fixed: it is pinned by a digest, and that of the variant is not known"
    return Fix(f"Build on `{text}`", (edit,), Guarantee.BEHAVIOUR), ""


def _manual(file: File, root: Stage) -> str:
    """A package that is installed upon *root* and fails without folders for manual pages."""
    stages = (stage for stage in file.stages if root in file.chain(stage))
    calls = [call for stage in stages for run in file.moments(stage) for call in run.calls]
    names = (name for each in packages(calls) for name in each.names)
    return next((name for name in names if re.match(_MANUALS, name)), "")


def _other_user(file: File, root: Stage, described: Description) -> Stage | None:
    """A stage that does not ship, is built on *root*, and may need what the variant lacks."""
    lacks = described.family.lacks
    for stage in file.stages:
        is_else = stage.index not in file.ships and root in file.chain(stage)
        if is_else and any(doubts(file.moments(stage), lacks)):
            return stage
    return None
