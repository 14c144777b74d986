"""Instructions moved, duplicated, deleted, and their arguments changed."""

from __future__ import annotations

import json
import re
from itertools import pairwise

from bench.equivalence.mutations.draft import Draft, Inapplicable
from stagelint.source import Span
from stagelint.syntax.nodes import Flag, Instruction

_WORD = re.compile(r"[A-Za-z]{2,}")

#: What a stage may say of its image.
_METADATA = (
    *("LABEL made=up", "ENV MADE=up", 'CMD ["made"]', "USER nobody", "EXPOSE 8080", "VOLUME /made"),
    *("STOPSIGNAL 9", "WORKDIR /made", "ENTRYPOINT made", "HEALTHCHECK NONE", "ONBUILD RUN made"),
    *("RUN made", "COPY made /made", 'SHELL ["/bin/made", "-c"]', "MAINTAINER made"),
)


def instruction_deleted(draft: Draft) -> None:
    draft.delete(draft.pick(draft.instructions))


def instruction_duplicated(draft: Draft) -> None:
    instruction = draft.pick(draft.instructions)
    draft.insert(instruction.end, draft.copy_of(instruction))


def instruction_added(draft: Draft) -> None:
    stage = draft.pick(draft.stages)
    after = draft.pick([stage.opening, *stage.instructions])
    draft.insert(after.end, draft.line(draft.pick(_METADATA)))


def neighbours_swapped(draft: Draft) -> None:
    all_ = draft.file.tree.instructions
    couples = [
        (one, other) for one, other in pairwise(all_) if "FROM" not in (one.keyword, other.keyword)
    ]
    one, other = draft.pick(couples)
    draft.move(one.span, other.end)


def instruction_moved_to_another_stage(draft: Draft) -> None:
    stage = draft.pick([stage for stage in draft.stages if stage.instructions])
    instruction = draft.pick(stage.instructions)
    other = draft.pick([each for each in draft.stages if each is not stage])
    draft.insert(draft.lines_of(other).end, draft.copy_of(instruction))
    draft.delete(instruction)


def word_changed(draft: Draft) -> None:
    instruction = draft.pick(draft.instructions)
    start = instruction.keyword_span.end - instruction.start
    word = draft.pick(list(_WORD.finditer(str(instruction), start)))
    draft.replace(Span(instruction.start + word.start(), instruction.start + word.end()), "other")


def word_in_other_case(draft: Draft) -> None:
    instruction = draft.pick(draft.instructions)
    start = instruction.keyword_span.end - instruction.start
    word = draft.pick(list(_WORD.finditer(str(instruction), start)))
    span = Span(instruction.start + word.start(), instruction.start + word.end())
    draft.replace(span, word[0].swapcase())


def flags_reordered(draft: Draft) -> None:
    """Also those of `RUN --mount`, whose order counts."""
    instruction = draft.pick_where(lambda each: len(each.flags) > 1)
    first, last = instruction.flags[0], instruction.flags[-1]
    _exchange(draft, instruction, (first.start, first.end), (last.start, last.end))


def _exchange(
    draft: Draft, instruction: Instruction, one: tuple[int, int], other: tuple[int, int]
) -> None:
    logical = instruction.logical
    if not (logical.contiguous(*one) and logical.contiguous(*other)):
        raise Inapplicable
    draft.replace(logical.span(*one), logical.text[other[0] : other[1]])
    draft.replace(logical.span(*other), logical.text[one[0] : one[1]])


def mount_options_reordered(draft: Draft) -> None:
    instruction = draft.pick_where(
        lambda each: any(flag.name == "mount" and "," in (flag.value or "") for flag in each.flags)
    )
    flag = draft.pick([flag for flag in instruction.flags if "," in (flag.value or "")])
    _write(
        draft, instruction, flag.value_start, flag.end, ",".join(_fields(instruction, flag)[::-1])
    )


def mount_option_spelled_otherwise(draft: Draft) -> None:
    instruction = draft.pick_where(lambda each: any(flag.name == "mount" for flag in each.flags))
    flag = draft.pick([flag for flag in instruction.flags if flag.name == "mount"])
    other = {
        "target": "dst",
        "dst": "destination",
        "destination": "target",
        "source": "src",
        "src": "source",
        "readonly": "ro",
        "ro": "readonly",
    }
    fields = _fields(instruction, flag)
    keys = [field.partition("=")[0] for field in fields]
    key = draft.pick([key for key in keys if key in other])
    at = keys.index(key)
    fields[at] = other[key] + fields[at].removeprefix(key)
    _write(draft, instruction, flag.value_start, flag.end, ",".join(fields))


def _fields(instruction: Instruction, flag: Flag) -> list[str]:
    text = instruction.logical.text[flag.value_start : flag.end]
    if '"' in text:
        raise Inapplicable
    return text.split(",")


def _write(draft: Draft, instruction: Instruction, start: int, end: int, text: str) -> None:
    if not instruction.logical.contiguous(start, end):
        raise Inapplicable
    draft.replace(instruction.logical.span(start, end), text)


def flag_added(draft: Draft) -> None:
    """Not --link, which a daemon with the classic image store leaves out of account."""
    instruction = draft.pick_where(lambda each: each.keyword in ("COPY", "ADD", "RUN"))
    flags = {
        "COPY": ["--link=false", "--chown=1", "--chmod=644"],
        "ADD": ["--chown=1", "--keep-git-dir=false"],
        "RUN": ["--network=none", "--network=default", "--mount=type=tmpfs,target=/t"],
    }
    end = instruction.keyword_span.end
    draft.replace(Span(end, end), f" {draft.pick(flags[instruction.keyword])}")


def flag_removed(draft: Draft) -> None:
    instruction = draft.pick_where(lambda each: each.flags)
    flag = draft.pick([flag for flag in instruction.flags if flag.name != "link"])
    _write(draft, instruction, flag.start, flag.end, "")


def flag_quoted(draft: Draft) -> None:
    instruction = draft.pick_where(lambda each: each.flags and each.keyword != "FROM")
    flag = draft.pick([flag for flag in instruction.flags if flag.value])
    raw = instruction.logical.text[flag.value_start : flag.end]
    if '"' in raw or "'" in raw:
        raise Inapplicable
    _write(draft, instruction, flag.value_start, flag.end, f'"{raw}"')


def json_spaced(draft: Draft) -> None:
    """`["a","b"]` <-> `[ "a" , "b" ]`."""
    instruction = draft.pick_where(lambda each: each.is_json and not each.heredocs)
    words = [json.dumps(each.value) for each in instruction.arguments]
    old = instruction.rest
    new = f"[ {' , '.join(words)} ]" if " , " not in old else f"[{','.join(words)}]"
    _write(draft, instruction, instruction.rest_start, instruction.rest_start + len(old), new)


def json_for_shell(draft: Draft) -> None:
    """`RUN x` becomes `RUN ["/bin/sh", "-c", "x"]`."""
    keywords = ("RUN", "CMD", "ENTRYPOINT")
    instruction = draft.pick_where(
        lambda each: each.keyword in keywords and not each.is_json and not each.heredocs
    )
    new = json.dumps(["/bin/sh", "-c", instruction.rest])
    start = instruction.rest_start
    _write(draft, instruction, start, start + len(instruction.rest), new)


def arguments_as_json(draft: Draft) -> None:
    """`COPY a b` becomes `COPY ["a", "b"]`, `VOLUME a` becomes `VOLUME ["a"]`."""
    keywords = ("COPY", "ADD", "VOLUME", "SHELL")
    instruction = draft.pick_where(
        lambda each: each.keyword in keywords and not each.is_json and not each.heredocs
    )
    new = json.dumps([each.value for each in instruction.arguments])
    start = instruction.rest_start
    _write(draft, instruction, start, start + len(instruction.rest), new)


def ports_reordered(draft: Draft) -> None:
    instruction = draft.pick_where(
        lambda each: each.keyword in ("EXPOSE", "VOLUME") and len(each.arguments) > 1
    )
    first, last = instruction.arguments[0], instruction.arguments[-1]
    _exchange(draft, instruction, (first.start, first.end), (last.start, last.end))


def port_with_protocol(draft: Draft) -> None:
    instruction = draft.pick_where(lambda each: each.keyword == "EXPOSE")
    port = draft.pick([each for each in instruction.arguments if each.value.isdigit()])
    _write(
        draft,
        instruction,
        port.start,
        port.end,
        f"{port.value}/{draft.pick(['tcp', 'TCP', 'udp'])}",
    )


def slash_added(draft: Draft) -> None:
    """At the end of a folder."""
    instruction = draft.pick_where(
        lambda each: (
            each.keyword in ("WORKDIR", "COPY", "ADD", "VOLUME")
            and each.arguments
            and not each.is_json
            and not each.heredocs
        )
    )
    last = instruction.arguments[-1]
    _write(draft, instruction, last.start, last.end, last.value.rstrip("/") + "/")
