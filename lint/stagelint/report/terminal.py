"""Colour, and what of a text may reach a terminal."""

from __future__ import annotations

import os
from collections.abc import Mapping

from stagelint.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO

#: What a tab is shown as. A fixed width keeps `escape(a + b) == escape(a) + escape(b)`.
TAB = "    "

#: Set by consoles of Windows that understand colours; the others would print them as garbage.
_WINDOWS_CONSOLES = ("WT_SESSION", "ANSICON", "ConEmuANSI", "TERM_PROGRAM", "TERM")


def wants_color(mode: str, stream: TextIO | None, environ: Mapping[str, str]) -> bool:
    """Is *stream* to be painted? *mode* is `always`, `never` or `auto`.

    Only `auto` asks the environment: NO_COLOR, then FORCE_COLOR and CLICOLOR_FORCE, then
    CLICOLOR=0 and TERM=dumb, then whether the stream is a terminal.
    """
    if mode != "auto":
        return mode == "always"
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR") or environ.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        return True
    if environ.get("CLICOLOR") == "0" or environ.get("TERM") == "dumb":
        return False
    if os.name == "nt" and not any(environ.get(name) for name in _WINDOWS_CONSOLES):
        return False
    return is_terminal(stream)


def is_terminal(stream: TextIO | None) -> bool:
    """Does *stream* end at a terminal? A closed or missing stream does not."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


class Style:
    """Paints text, or leaves it as it is if *color* is false."""

    def __init__(self, color: bool) -> None:
        self.color = color

    def paint(self, text: str, code: str) -> str:
        """*text* in the style of an SGR *code* such as `1;31`; an empty text stays empty."""
        return f"\x1b[{code}m{text}\x1b[0m" if self.color and text else text

    def bold(self, text: str) -> str:
        return self.paint(text, "1")

    def dim(self, text: str) -> str:
        return self.paint(text, "2")

    def red(self, text: str) -> str:
        return self.paint(text, "31")

    def green(self, text: str) -> str:
        return self.paint(text, "32")

    def cyan(self, text: str) -> str:
        return self.paint(text, "36")

    def frame(self, text: str) -> str:
        """Line numbers and what else is drawn around a text."""
        return self.paint(text, "1;34")

    def severity(self, text: str, severity: str) -> str:
        """*text* in the colour of a severity; an unknown one is only bold."""
        return self.paint(text, _SEVERITIES.get(severity, "1"))


_SEVERITIES = {"error": "1;31", "warning": "1;33", "info": "1;36", "style": "1;35"}


def escape(text: str) -> str:
    r"""*text* without a character that could drive a terminal or hide from the reader.

    What is not printable (controls, bidi and zero-width characters, separators, unassigned code
    points) becomes `\x1b`, `\u202e` or `\U000e0041`, a byte that is not UTF-8 `\xff`, a tab
    spaces. The text never gets shorter.
    """
    return text if text.isprintable() else "".join(map(_visible, text))


_SHORT = {"\t": TAB, "\n": "\\n", "\r": "\\r"}


def _visible(char: str) -> str:
    if char.isprintable():
        return char
    if char in _SHORT:
        return _SHORT[char]
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
