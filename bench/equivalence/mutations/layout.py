"""Comments, white space, case and spelling: mostly what BuildKit does not see."""

from __future__ import annotations

import re

from bench.equivalence.mutations.draft import Draft, Inapplicable
from stagelint.source import Span
from stagelint.syntax.nodes import Blank, Comment, Instruction

_DELIMITER = re.compile(r"<<(-?)([\"']?)(\w+)\2")


def comment_added(draft: Draft) -> None:
    above = draft.pick(draft.file.tree.instructions)
    draft.insert(above.start, draft.line(draft.pick(["# a word", "  #", "# escaped \\"])))


def comment_removed(draft: Draft) -> None:
    items = draft.file.tree.items
    draft.replace(draft.pick([each for each in items if isinstance(each, Comment)]).span, "")


def comment_in_continuation_added(draft: Draft) -> None:
    instruction = draft.pick([each for each in draft.file.tree.instructions if not each.heredocs])
    end = str(instruction).find(f"{instruction.escape}\n")
    if end < 0:
        raise Inapplicable
    draft.insert(instruction.start + end + 2, draft.line("# inside"))


def blank_line_added(draft: Draft) -> None:
    draft.insert(draft.pick(draft.file.tree.instructions).start, draft.newline)


def blank_lines_removed(draft: Draft) -> None:
    for item in draft.file.tree.items:
        if isinstance(item, Blank):
            draft.replace(item.span, "")


def final_newline_changed(draft: Draft) -> None:
    end = len(draft.before)
    if draft.before.endswith("\n"):
        draft.replace(Span(end - 1, end), "")
    else:
        draft.replace(Span(end, end), "\n")


def carriage_returns_changed(draft: Draft) -> None:
    """All line ends become those of the other kind; BuildKit keeps them in heredocs."""
    new = "\n" if "\r\n" in draft.before else "\r\n"
    text = re.sub("\r?\n", lambda _: new, draft.before)
    draft.replace(Span(0, len(draft.before)), text)


def byte_order_mark_added(draft: Draft) -> None:
    if draft.before.startswith("\ufeff"):
        raise Inapplicable
    draft.replace(Span(0, 0), "\ufeff")


def indented(draft: Draft) -> None:
    at = draft.pick(draft.file.tree.instructions).code_start
    draft.replace(Span(at, at), draft.pick(["  ", "\t"]))


def blanks_after_keyword(draft: Draft) -> None:
    end = draft.pick(draft.file.tree.instructions).keyword_span.end
    draft.replace(Span(end, end), draft.pick([" ", "\t", "   "]))


def blanks_at_the_end(draft: Draft) -> None:
    instruction = draft.pick([each for each in draft.file.tree.instructions if not each.heredocs])
    end = instruction.code_span.end
    draft.replace(Span(end, end), "  ")


def blanks_inside(draft: Draft) -> None:
    """Two where there was one: the shell does not mind, BuildKit does."""
    instruction = draft.pick([each for each in draft.file.tree.instructions if not each.heredocs])
    text = str(instruction)
    blanks = [at for at, character in enumerate(text) if character == " "]
    at = instruction.start + draft.pick(blanks)
    draft.replace(Span(at, at), " ")


def continuation_added(draft: Draft) -> None:
    """A line is broken at one of its blanks."""
    instruction = draft.pick([each for each in draft.file.tree.instructions if not each.heredocs])
    text = str(instruction)
    at = instruction.start + draft.pick([at for at, each in enumerate(text) if each == " "])
    draft.replace(Span(at, at), f" {instruction.escape}{draft.newline}")


def continuation_removed(draft: Draft) -> None:
    """Two lines become one with the same text."""
    instruction = draft.pick(draft.file.tree.instructions)
    at = str(instruction).find(f"{instruction.escape}\n")
    if at < 0:
        raise Inapplicable
    draft.replace(Span(instruction.start + at, instruction.start + at + 2), "")


def keyword_case(draft: Draft) -> None:
    instruction = draft.pick(draft.file.tree.instructions)
    draft.replace(instruction.keyword_span, instruction.raw_keyword.swapcase())


def as_in_another_case(draft: Draft) -> None:
    stage = draft.pick([stage for stage in draft.stages if len(stage.opening.arguments) == 3])
    word = stage.opening.arguments[1]
    draft.replace(stage.opening.logical.span(word.start, word.end), word.value.swapcase())


def escape_directive_added(draft: Draft) -> None:
    """The default said aloud, or the other character."""
    if draft.file.tree.directives:
        raise Inapplicable
    draft.replace(Span(0, 0), draft.line(f"# escape={draft.pick(['`', chr(92)])}"))


def _with_heredoc(draft: Draft) -> Instruction:
    return draft.pick([each for each in draft.file.tree.instructions if len(each.heredocs) == 1])


def heredoc_delimiter_renamed(draft: Draft) -> None:
    _rewrite_heredoc(draft, _with_heredoc(draft), name="Done")


def heredoc_delimiter_quoted(draft: Draft) -> None:
    _rewrite_heredoc(draft, _with_heredoc(draft), quote=draft.pick(["", "'", '"']))


def _rewrite_heredoc(
    draft: Draft, instruction: Instruction, name: str | None = None, quote: str | None = None
) -> None:
    text = str(instruction)
    opening = _DELIMITER.search(text)
    if not opening:
        raise Inapplicable
    chomp, old_quote, old = opening.groups()
    closing = text.rfind(old)
    if closing <= opening.start():
        raise Inapplicable
    start = instruction.start
    used = old_quote if quote is None else quote
    word = f"<<{chomp}{used}{name or old}{used}"
    draft.replace(Span(start + opening.start(), start + opening.end()), word)
    draft.replace(Span(start + closing, start + closing + len(old)), name or old)


def heredoc_body_changed(draft: Draft) -> None:
    instruction = _with_heredoc(draft)
    at = instruction.heredocs[0].body.start
    draft.replace(Span(at, at), draft.line(draft.pick(["more", "# more", "more $A"])))
