"""Whose rules hold: the builders read one language and disagree about details."""

from __future__ import annotations

from stagelint.tuples import NamedTuple


class Dialect(NamedTuple):
    """How one builder differs from the others in what stagelint looks at.

    Sources: BuildKit v0.25.2 and the classic builder of Docker 28.5.2, observed; buildah (the
    openshift/imagebuilder parser) and kaniko (BuildKit v0.22's parser), read.
    """

    name: str
    title: str
    """What to call the builder in a sentence."""
    builds_all_up_to_target: bool
    """Every stage from the first to the target is built, whether needed or not."""
    duplicate_wins: str
    """Which of several stages of one name a name means: `first`, `last` or `error`."""
    folds_case_of_base: bool
    """`FROM Foo` means the stage `foo`."""
    folds_case: bool
    """Names are compared in lower case."""
    checks_names: bool
    """Names outside the grammar are errors."""
    checks_names_as_references: bool
    """Names must also be valid repository paths, since a named context may replace the stage."""
    expands_copy_from: bool
    """Variables in `COPY --from` are expanded."""
    copy_name_before_index: bool
    """`COPY --from=0` looks for a stage called `0` first."""
    mount_by_index: bool
    """`RUN --mount=from=0` means the first stage."""
    target_by_index: bool
    """`--target 0` means the first stage."""
    sees_later_stages: bool
    """`--from` finds stages below and fails; otherwise the name is an image's."""
    doubled_escape_continues: bool
    """A line that ends in two escape characters continues."""
    only_escape_directive: bool
    """`# syntax=` and `# check=` are ordinary comments."""
    runs_flags_and_heredocs: bool
    """RUN knows flags and heredocs."""
    keeps_cache_mounts: bool
    """What a `RUN --mount=type=cache` leaves is there for the next build."""
    clears_mounts: bool
    """After a RUN nothing is left of a bind mount: neither what was created to mount on, nor what was
    written to it."""


BUILDKIT = Dialect(
    name="buildkit",
    title="BuildKit",
    builds_all_up_to_target=False,
    duplicate_wins="last",
    folds_case_of_base=False,
    folds_case=True,
    checks_names=True,
    checks_names_as_references=True,
    expands_copy_from=False,
    copy_name_before_index=False,
    mount_by_index=False,
    target_by_index=False,
    sees_later_stages=True,
    doubled_escape_continues=False,
    only_escape_directive=False,
    runs_flags_and_heredocs=True,
    keeps_cache_mounts=True,
    clears_mounts=True,
)

CLASSIC = BUILDKIT._replace(
    name="classic",
    title="the classic builder",
    builds_all_up_to_target=True,
    duplicate_wins="error",
    folds_case_of_base=True,
    checks_names_as_references=False,
    copy_name_before_index=True,
    sees_later_stages=False,
    runs_flags_and_heredocs=False,
    keeps_cache_mounts=False,
    clears_mounts=False,
)

BUILDAH = BUILDKIT._replace(
    name="buildah",
    title="buildah",
    folds_case=False,
    checks_names=False,
    checks_names_as_references=False,
    expands_copy_from=True,
    mount_by_index=True,
    target_by_index=True,
    sees_later_stages=False,
    doubled_escape_continues=True,
    only_escape_directive=True,
    clears_mounts=False,
)

KANIKO = BUILDKIT._replace(
    name="kaniko",
    title="kaniko",
    builds_all_up_to_target=True,
    duplicate_wins="first",
    folds_case_of_base=True,
    checks_names_as_references=False,
    copy_name_before_index=True,
    sees_later_stages=False,
    keeps_cache_mounts=False,
    clears_mounts=False,
)

DIALECTS = {dialect.name: dialect for dialect in (BUILDKIT, CLASSIC, BUILDAH, KANIKO)}
