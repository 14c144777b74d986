"""ARG and ENV moved, added, split, merged and written in other ways."""

from __future__ import annotations

import re
from itertools import pairwise

from bench.equivalence.mutations.draft import Draft, Inapplicable
from stagelint.source import Span
from stagelint.syntax.nodes import Instruction, Pair

_PLAIN = re.compile(r"[\w./:-]+\Z")
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")


def _in_stages(draft: Draft, *keywords: str) -> list[Instruction]:
    return [each for _, each in draft.file.instructions(*keywords)]


def global_arg_added(draft: Draft) -> None:
    """One that nothing reads."""
    draft.insert(_head(draft), draft.line("ARG UNREAD=1"))


def global_arg_of_a_platform_added(draft: Draft) -> None:
    name = draft.pick(["TARGETARCH", "TARGETPLATFORM", "BUILDPLATFORM", "TARGETSTAGE"])
    draft.insert(_head(draft), draft.line(f"ARG {name}{draft.pick(['', '=word'])}"))


def _head(draft: Draft) -> int:
    if not draft.stages:
        raise Inapplicable
    return draft.stages[0].opening.start


def stage_arg_added(draft: Draft) -> None:
    stage = draft.pick(draft.stages)
    after = draft.pick([stage.opening, *stage.instructions])
    known = [
        pair.key for each in draft.instructions for pair in each.pairs if each.keyword == "ARG"
    ]
    name = draft.pick(["UNREAD", "UNREAD=1", "TARGETARCH", "TARGETSTAGE", *known])
    draft.insert(after.end, draft.line(f"ARG {name}"))


def arg_moved(draft: Draft) -> None:
    """Past the instruction above or below it."""
    args = [each for each in draft.instructions if each.keyword == "ARG"]
    _move(draft, draft.pick(args))


def env_moved(draft: Draft) -> None:
    _move(draft, draft.pick(_in_stages(draft, "ENV")))


def _move(draft: Draft, moving: Instruction) -> None:
    all_ = draft.file.tree.instructions
    at = all_.index(moving)
    neighbours = [all_[each] for each in (at - 1, at + 1) if 0 <= each < len(all_)]
    other = draft.pick([each for each in neighbours if each.keyword != "FROM"])
    if other.start < moving.start:
        moving, other = other, moving
    draft.move(moving.span, other.end)


def arg_removed(draft: Draft) -> None:
    draft.delete(draft.pick([each for each in draft.instructions if each.keyword == "ARG"]))


def default_changed(draft: Draft) -> None:
    arg, pair = _pair(draft, "ARG")
    _write(draft, arg, pair, f"{pair.key}=other")


def default_removed(draft: Draft) -> None:
    arg, pair = _pair(draft, "ARG")
    _write(draft, arg, pair, pair.key)


def value_quoted(draft: Draft) -> None:
    instruction, pair = _pair(draft, "ARG", "ENV", "LABEL")
    if not _PLAIN.match(pair.value or ""):
        raise Inapplicable
    _write(draft, instruction, pair, f'{pair.key}="{pair.value}"')


def value_unquoted(draft: Draft) -> None:
    """With a blank in it, it is another value then, or no value."""
    instruction, pair = _pair(draft, "ARG", "ENV", "LABEL")
    value = pair.value or ""
    if value[:1] not in ('"', "'") or value[:1] != value[-1:]:
        raise Inapplicable
    _write(draft, instruction, pair, f"{pair.key}={value[1:-1]}")


def value_changed(draft: Draft) -> None:
    instruction, pair = _pair(draft, "ENV", "LABEL")
    _write(draft, instruction, pair, f"{pair.key}=changed")


def _pair(draft: Draft, *keywords: str) -> tuple[Instruction, Pair]:
    """A `key=value` with a value."""
    return draft.pick(
        [
            (each, pair)
            for each in draft.instructions
            for pair in each.pairs
            if each.keyword in keywords and pair.value is not None and _is_modern(each, pair)
        ]
    )


def _is_modern(instruction: Instruction, pair: Pair) -> bool:
    written = instruction.logical.text[pair.start : pair.end]
    return written == f"{pair.key}={pair.value}"


def _write(draft: Draft, instruction: Instruction, pair: Pair, text: str) -> None:
    if not instruction.logical.contiguous(pair.start, pair.end):
        raise Inapplicable
    draft.replace(instruction.logical.span(pair.start, pair.end), text)


def pairs_split(draft: Draft) -> None:
    """`ENV a=1 b=2` becomes two instructions."""
    instruction = draft.pick_where(lambda each: len(each.pairs) > 1 and _all_modern(each))
    keyword = instruction.raw_keyword
    texts = [instruction.logical.text[pair.start : pair.end] for pair in instruction.pairs]
    draft.replace(instruction.span, "".join(draft.line(f"{keyword} {text}") for text in texts))


def pairs_merged(draft: Draft) -> None:
    """Two instructions of the same kind in a row become one."""
    all_ = draft.file.tree.instructions
    couples = [
        (one, other)
        for one, other in pairwise(all_)
        if one.keyword == other.keyword
        and one.keyword in ("ARG", "ENV", "LABEL")
        and _all_modern(one)
        and _all_modern(other)
    ]
    one, other = draft.pick(couples)
    more = " ".join(other.logical.text[pair.start : pair.end] for pair in other.pairs)
    end = one.code_span.end
    draft.replace(Span(end, end), f" {more}")
    draft.delete(other)


def pairs_reordered(draft: Draft) -> None:
    instruction = draft.pick_where(lambda each: len(each.pairs) > 1 and _all_modern(each))
    texts = [instruction.logical.text[pair.start : pair.end] for pair in instruction.pairs]
    lines = f"{instruction.raw_keyword} {' '.join(reversed(texts))}"
    draft.replace(instruction.span, draft.line(lines))


def _all_modern(instruction: Instruction) -> bool:
    pairs = instruction.pairs
    return bool(pairs) and all(
        _is_modern(instruction, pair) or (pair.value is None and instruction.keyword == "ARG")
        for pair in pairs
    )


def legacy_form(draft: Draft) -> None:
    """`ENV a=b` <-> `ENV a b`."""
    instruction = draft.pick_where(
        lambda each: each.keyword in ("ENV", "LABEL") and len(each.pairs) == 1
    )
    pair = instruction.pairs[0]
    if not _PLAIN.match(pair.value or ""):
        raise Inapplicable
    between = " " if _is_modern(instruction, pair) else "="
    _write(draft, instruction, pair, f"{pair.key}{between}{pair.value}")


def braces_changed(draft: Draft) -> None:
    """`$A` <-> `${A}`."""
    found = list(_VARIABLE.finditer(draft.before))
    match = draft.pick(found)
    text = f"${{{match[1]}}}" if match[1] else f"${match[2]}"
    draft.replace(Span(*match.span()), text)


def variable_replaced_by_default(draft: Draft) -> None:
    match = draft.pick(list(_VARIABLE.finditer(draft.before)))
    name = match[1] or match[2]
    values = [pair.value for each in draft.instructions for pair in each.pairs if pair.key == name]
    draft.replace(Span(*match.span()), draft.pick([value for value in values if value]))


def default_in_place(draft: Draft) -> None:
    """`$A` becomes `${A:-word}`."""
    match = draft.pick(list(_VARIABLE.finditer(draft.before)))
    form = draft.pick([":-word", "-word", ":+word", ":-"])
    draft.replace(Span(*match.span()), f"${{{match[1] or match[2]}{form}}}")
