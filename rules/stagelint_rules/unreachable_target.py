from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import AskedTarget, File
from stagelint.rule import Bad, Finding, Good, Related, Rule, Severity
from stagelint.source import Span
from stagelint.syntax.characters import lower, nearest
from stagelint.syntax.nodes import Problem


class UnreachableTarget(Rule):
    """A target somebody asks for that does not exist or cannot be built.

    The build that asks for it fails. The finding lies where the target is asked for, in the
    configuration or, for `--target`, at the head of the file.
    """

    code = "SL103"
    severity = Severity.ERROR
    examples = (
        Bad(
            """
            FROM alpine AS build
            ^ target `biuld`, asked for by --target, does not exist; did you mean `build`?
            """,
            arguments="--target biuld",
        ),
        Bad(
            """
            FROM alpine AS test
            ^ target `test`, asked for by --target, cannot be built: invalid stage index 7
            COPY --from=7 /a /a
            """,
            arguments="--target test",
        ),
        Good(
            """
            FROM alpine AS build
            """,
            arguments="--target build",
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        if not file.is_read:
            return
        for target in file.options.targets:
            index = file.find_target(target.name)
            if index is None:
                yield self._finding(file, target, f"does not exist{_guess(file, target.name)}")
                continue
            cause = self._cause(file, index)
            if cause:
                related = Related(file.source, cause.span, "the cause")
                message = f"cannot be built: {cause.message}"
                yield self._finding(file, target, message, (related,))

    def _finding(
        self,
        file: File,
        target: AskedTarget,
        what: str,
        related: tuple[Related, ...] = (),
    ) -> Finding:
        here = target.source is file.source
        origin = f", asked for by {target.by}," if here else f" of {file.source.path}"
        message = f"target `{target.name}`{origin} {what}"
        span = Span(0, 1) if here else target.span
        return self.finding(file, span, message, source=target.source, related=related)

    def _cause(self, file: File, index: int) -> Problem | None:
        """What keeps the target from being built: an error of a reference in what it needs."""
        for stage in sorted(file.graph.needs(index)):
            for reference in file.graph.of(stage):
                problem = reference.problem
                if problem and not (problem.conditional and reference.kind == "base"):
                    return problem
        return None


def _guess(file: File, name: str) -> str:
    near = nearest(lower(name), [stage.name for stage in file.stages if stage.name])
    return "; did you mean " + " or ".join(f"`{each}`" for each in near[:3]) + "?" if near else ""
