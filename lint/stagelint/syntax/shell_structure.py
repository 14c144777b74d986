"""What compound commands of a shell script are open, and what that says of the commands in them."""

from __future__ import annotations

from collections.abc import Iterator

#: What ends what such a word begins.
BEGINNING = {
    "if": "fi", "while": "done", "until": "done", "for": "done", "select": "done", "case": "esac",
    "{": "}",
}  # fmt: skip
#: What ends what such a word goes on with.
CONTINUING = {"then": "fi", "elif": "fi", "else": "fi", "do": "done"}
ENDS = (")", "}", "fi", "done", "esac")


class _Frame:
    """A compound command that is open, or the whole list. Commands are numbers here."""

    __slots__ = (
        "behind_and", "behind_or", "behind_test", "body", "end", "is_label_next",
        "is_loop_over_words", "tested",
    )  # fmt: skip

    def __init__(self, end: str, *, body: int | None = None) -> None:
        self.end = end
        self.body = body
        """The first of a part that may be left out."""
        self.behind_and: int | None = None
        """The first behind `&&`, which a later `||` makes conditional."""
        self.behind_or: int | None = None
        self.behind_test: int | None = None
        """The first behind `[ ... ] &&`."""
        self.tested: tuple[int, int] | None = None
        """Those of the list before that are conditional if more follows, or if the part ends that
        is a condition or is run again."""
        self.is_label_next = False
        self.is_loop_over_words = False

    @property
    def is_condition(self) -> bool:
        """Is it in front of `then`, or of the `do` of a `while`?"""
        return self.body is None and not self.is_loop_over_words and self.end in ("fi", "done")


class Structure:
    """Is told of operators and reserved words in their order, and of how many commands were read."""

    def __init__(self) -> None:
        self.count = 0
        """The commands so far."""
        self.joined: str | None = ""
        """What joins the next command; None right behind one."""
        self.is_function = False
        """Is the next compound command the body of a function?"""
        self.open: dict[str, int] = dict.fromkeys(ENDS, 0)
        self.subshells: list[int] = []
        """Where those that are open begin, the outermost first."""
        self._frames = [_Frame("")]
        self._ranges: list[tuple[int, int]] = []

    @property
    def is_label_next(self) -> bool:
        """Are labels of a `case` next, or its end?"""
        return self._frames[-1].is_label_next

    def conditional(self) -> Iterator[int]:
        """The commands that may be left out, once all is read."""
        while self._frames:
            self._pop()
        changes = [0] * (self.count + 1)
        for start, end in self._ranges:
            changes[start] += 1
            changes[end] -= 1
        depth = 0
        for at, change in enumerate(changes):
            depth += change
            if depth:
                yield at

    def begin(self, end: str, at: int, *, is_loop_over_words: bool = False) -> None:
        """A compound command begins at *at*, which *end* ends."""
        self._frames.append(_Frame(end, body=self.count if self.is_function else None))
        self._frames[-1].is_loop_over_words = is_loop_over_words
        self.is_function = False
        self.open[end] += 1
        if end == ")":
            self.subshells.append(at)

    def body(self, end: str) -> None:
        """`then`, `else` or `do`: the next part of the innermost one that *end* ends."""
        if self.open[end]:
            self._pop_to(end)
            self._end_part()
            if not self._frames[-1].is_loop_over_words:
                self._frames[-1].body = self.count

    def close(self, end: str) -> bool:
        """*end* is there. Whether it ends something; what is still open inside is cut off."""
        if not self.open[end]:
            return False
        self._pop_to(end)
        self._pop()
        self.joined = None
        return True

    def expect_label(self) -> None:
        """`case WORD in`, or `;;` behind commands of one."""
        if self.open["esac"]:
            self._pop_to("esac")
            self._end_part()
            self._frames[-1].is_label_next = True

    def end_label(self) -> None:
        frame = self._frames[-1]
        frame.is_label_next = False
        frame.body = self.count
        self.joined = ""

    def join(self, operator: str, *, is_tested: bool = False) -> None:
        """`&&`, `||`, `|`, `|&`, `;`, `&` or a newline, which may also stand behind another one.

        *is_tested* says that the command in front of it only asks something, as `[` does.
        """
        frame = self._frames[-1]
        if operator == "\n" and self.joined is not None:
            return
        if operator in ("\n", ";", "&"):
            self._end_list()
        elif operator in ("&&", "||"):
            self._mark(frame.behind_or)
            frame.behind_or = None
        if operator == "&&":
            if frame.behind_and is None:
                frame.behind_and = self.count
            if is_tested and frame.behind_test is None:
                frame.behind_test = self.count
        elif operator == "||":
            self._mark(frame.behind_and)
            frame.behind_and, frame.behind_or = None, self.count
        self.joined = operator

    def _mark(self, start: int | None) -> None:
        """All from *start* to here may be left out."""
        if start is not None:
            self._ranges.append((start, self.count))

    def _end_list(self) -> None:
        frame = self._frames[-1]
        self._mark(frame.behind_or)
        if frame.tested and frame.tested[1] < self.count:
            self._ranges.append(frame.tested)
            frame.tested = None
        start = frame.behind_and if frame.is_condition else frame.behind_test
        if start is not None:
            frame.tested = start, self.count
        frame.behind_and = frame.behind_or = frame.behind_test = None

    def _end_part(self) -> None:
        frame = self._frames[-1]
        self._end_list()
        if frame.tested and frame.end in ("fi", "done"):
            self._ranges.append(frame.tested)
        self._mark(frame.body)
        frame.body = frame.tested = None
        self.joined = ""

    def _pop(self) -> None:
        self._end_part()
        end = self._frames.pop().end
        if end:
            self.open[end] -= 1
        if end == ")":
            self.subshells.pop()

    def _pop_to(self, end: str) -> None:
        while self._frames[-1].end != end:
            self._pop()
