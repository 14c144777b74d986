"""Other texts from a text: words and lines of its format are put in, repeated, moved and nested."""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random

#: What texts are made of: a word, a run of blanks, or one other character.
_PIECE = re.compile(rb"\w+|\s+|.", re.DOTALL)
#: What is hard to read anywhere: line ends, blanks that are none, halves of characters, and controls.
_ODD = (b"\r", b"\r\n", b"\n", b"\0", b"\xef\xbb\xbf", b"\xc2\xa0", b"\xff", b"\xed\xa0\x80",
        b"\xe2\x80\xa8", b"\x1b", b"\\", b"\\\n", b"'", b'"', b"`", b"\t", b"\xc4\xb0", b"9" * 30)  # fmt: skip


def mutated(text: bytes, words: Sequence[bytes], chance: Random) -> bytes:
    """*text* with a few changes; *words* are what texts of its format are made of."""
    by_line = chance.random() < 0.4
    pieces = text.splitlines(keepends=True) if by_line else _PIECE.findall(text)
    for _ in range(chance.randint(1, 6)):
        start = chance.randint(0, len(pieces))
        end = min(len(pieces), start + chance.randint(0, 4))
        part = pieces[start:end]
        match chance.randint(0, 5):
            case 0:
                pieces[start:end] = []
            case 1:
                pieces[start:end] = part * chance.choice((2, 3, 50))
            case 2:
                other = chance.randint(0, len(pieces))
                pieces[other:other] = part
            case 3:
                pieces[start:start] = [chance.choice(_ODD)]
            case _:
                pieces[start : end if chance.random() < 0.5 else start] = [chance.choice(words)]
    return b"".join(pieces)


def words_of(texts: Sequence[str]) -> list[bytes]:
    """The words of *texts*, and their lines."""
    found: dict[bytes, None] = {}
    for text in texts:
        data = text.encode("utf-8", "surrogateescape")
        found |= dict.fromkeys(line + b"\n" for line in data.splitlines())
        found |= dict.fromkeys(_PIECE.findall(data))
    return [each for each in found if len(each) < 300]
