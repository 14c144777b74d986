"""Text that stands in XML: nothing in it can end an attribute or an element, or be no XML at all."""

from __future__ import annotations

from collections.abc import Mapping

from stagelint.report.terminal import escape

DECLARATION = '<?xml version="1.0" encoding="utf-8"?>'

_REFERENCES = str.maketrans(
    {
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        '"': "&quot;",
        "'": "&apos;",
        "\t": "&#9;",
        "\n": "&#10;",
        "\r": "&#13;",
    }
)


def escaped(text: str) -> str:
    r"""*text* for an attribute or between tags. Characters that XML cannot say become `\x1b`."""
    if not text.isprintable():
        text = "".join(char if _is_allowed(char) else escape(char) for char in text)
    return text.translate(_REFERENCES)


def _is_allowed(char: str) -> bool:
    """Is it a Char of XML 1.0 (fifth edition, 2.2)?"""
    return (
        char in "\t\n\r"
        or " " <= char <= "\ud7ff"
        or "\ue000" <= char <= "\ufffd"
        or char > "\uffff"
    )


def start(name: str, attributes: Mapping[str, object]) -> str:
    """A start tag without its `>` or `/>`."""
    pairs = (f' {key}="{escaped(str(value))}"' for key, value in attributes.items())
    return f"<{name}{''.join(pairs)}"
