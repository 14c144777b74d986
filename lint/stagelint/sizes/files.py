"""Files of sizes that users bring: read strictly, merged row by row, written wholly or not at all.

    {"version": 1, "images": [
     {"name": "registry.example.com/team/base", "tag": "1.2", "compressed_bytes": 31000000,
      "as_of": "2026-08-05", "source": "our release notes"}
    ]}

Names are as after FROM: `python` is that of Docker Hub.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, cast

from stagelint import discover
from stagelint.config import ConfigError, shown
from stagelint.model import images
from stagelint.model.base_images import BaseImage
from stagelint.source import Source
from stagelint.syntax.characters import nearest, quoted

VERSION = 1
#: Bytes of the largest image that is believed; a number above is a mistake, or a lie.
LARGEST = 1 << 40
#: Characters of a file; hundreds of thousands of rows are no catalogue of base images.
_LIMIT = 4 << 20
_LONGEST = 1000

_REQUIRED = ("name", "tag", "as_of", "source")
_SIZES = ("compressed_bytes", "unpacked_bytes")
_KEYS = (*_REQUIRED, *_SIZES, "platform", "approximate")
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_PLATFORM = r"[a-z0-9]{1,32}/[a-z0-9_]{1,32}(?:/[a-z0-9.]{1,32})?"


class _RowError(Exception):
    """What is wrong with a row."""


def read(path: str) -> list[BaseImage]:
    """The rows of the file *path*, in its order. Raises `ConfigError`."""
    source = discover.read(path)
    if source.error:
        raise ConfigError(f"{shown(path)}: {source.error}")
    return rows_of(source)


def rows_of(source: Source) -> list[BaseImage]:
    """The rows that stand in *source*. Raises `ConfigError`."""
    if len(source.text) > _LIMIT:
        raise _error(source, 1, f"is larger than {_LIMIT >> 20} MiB")
    document = _parsed(source)
    unknown = next((key for key in document if key not in ("version", "images")), None)
    if unknown is not None:
        raise _error(source, 1, f"unknown key {quoted(unknown)}; known are version, images")
    version = document.get("version")
    if version != VERSION or isinstance(version, bool):
        raise _error(source, 1, f'must have "version": {VERSION}')
    rows = document.get("images")
    if not isinstance(rows, list):
        raise _error(source, 1, '"images" must be a list of objects')
    found: list[BaseImage] = []
    for number, row in enumerate(cast("list[object]", rows)):
        try:
            found.append(_row(row))
        except _RowError as error:
            line = _line_of(source.text, number)
            raise _error(source, line, f"{_label(row, number)}: {error}") from None
    return found


def merged(*catalogues: Iterable[BaseImage]) -> list[BaseImage]:
    """One row for each name and tag: the last.

    A size that it does not know is taken from the row before, if that is of the same platform, and
    its source then says so: an engine knows images unpacked, and a registry as they are sent. So is
    the operating system.
    """
    found: dict[tuple[str, str], BaseImage] = {}
    for row in (row for catalogue in catalogues for row in catalogue):
        key = (row.name, row.tag)
        found[key] = _completed(row, found[key]) if key in found else row
    return list(found.values())


def _completed(row: BaseImage, before: BaseImage) -> BaseImage:
    row = row._replace(os=row.os or before.os, release=row.release or before.release)
    if row.platform != before.platform:
        return row
    for field, word in (("compressed", "compressed"), ("unpacked", "unpacked")):
        size = getattr(before, field)
        if getattr(row, field) is None and size is not None:
            source = f"{row.source}; {word}: {before.source}, {before.as_of}"
            is_approximate = row.is_approximate or before.is_approximate
            row = row._replace(source=source, is_approximate=is_approximate, **{field: size})
    return row


def replaced(rows: Iterable[BaseImage], new: Iterable[BaseImage]) -> list[BaseImage]:
    """*rows*, with *new* in the place of those of the same name and tag."""
    return list({(row.name, row.tag): row for row in (*rows, *new)}.values())


def save(path: str, before: Source | None, rows: Iterable[BaseImage]) -> None:
    """Put *rows*, sorted, into the file *path*, which was *before*; None if there was none.

    Raises `discover.ReplaceError`: then the file is as it was.
    """
    after = Source(path, text_of(rows))
    if before is None:
        discover.create(path, after)
    elif before.text != after.text:
        discover.replace(path, before, after)


def text_of(rows: Iterable[BaseImage]) -> str:
    """*rows* as the text of a file, a row a line, so that a change of one is a change of a line."""
    import json

    ordered = sorted(rows, key=lambda row: (row.name, row.tag))
    inner = ",\n ".join(json.dumps(_values(row), ensure_ascii=False) for row in ordered)
    return f'{{"version": {VERSION}, "images": [\n {inner}\n]}}\n'


def _values(row: BaseImage) -> dict[str, object]:
    return {
        "name": row.name,
        "tag": row.tag,
        "compressed_bytes": row.compressed,
        "unpacked_bytes": row.unpacked,
        "platform": row.platform,
        "as_of": row.as_of,
        "source": row.source,
        **({"approximate": True} if row.is_approximate else {}),
    }


def is_platform(text: str) -> bool:
    """Is it `OS/ARCH` or `OS/ARCH/VARIANT`?"""
    return bool(re.fullmatch(_PLATFORM, text))


# -- checking ------------------------------------------------------------------------------------


def _error(source: Source, line: int, message: str) -> ConfigError:
    return ConfigError(f"{shown(source.path)}:{line}: {message}")


def _parsed(source: Source) -> dict[str, object]:
    import json

    try:
        value = json.loads(
            source.text.removeprefix("\ufeff"),
            object_pairs_hook=_object,
            parse_constant=_refused,
        )
    except json.JSONDecodeError as error:
        raise _error(source, error.lineno, f"is not JSON: {shown(error.msg.lower())}") from None
    except RecursionError:
        raise _error(source, 1, "is nested too deeply") from None
    except ValueError as error:  # of the hooks, and of int() for very many digits
        raise _error(source, 1, f"is not JSON that can be used: {shown(str(error))}") from None
    if not isinstance(value, dict):
        raise _error(source, 1, f'must be an object {{"version": {VERSION}, "images": [...]}}')
    return cast("dict[str, object]", value)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {quoted(twice)} stands twice in one object")
    return found


def _refused(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _line_of(text: str, number: int) -> int:
    """The line where row *number* of a document begins; json does not say where it read what."""
    import json

    start = re.search(r'"images"\s*:\s*\[', text)
    at, between, decoder = start.end() if start else 0, re.compile(r"[\s,]*"), json.JSONDecoder()
    for left in range(number, -1, -1):
        space = between.match(text, at)
        at = space.end() if space else at
        if left:
            _, at = decoder.raw_decode(text, at)
    return text.count("\n", 0, at) + 1


def _label(row: object, number: int) -> str:
    values = cast("dict[str, object]", row) if isinstance(row, dict) else {}
    name, tag = (str(values.get(key) or "?")[:80] for key in ("name", "tag"))
    return f"images[{number}] ({shown(f'{name}:{tag}')})"


def _row(row: object) -> BaseImage:
    """Raises `_RowError`."""
    if not isinstance(row, dict):
        raise _RowError("must be an object")
    values = cast("dict[str, object]", row)
    for key in values:
        if key not in _KEYS:
            near = nearest(key, list(_KEYS))
            hint = f'did you mean "{near[0]}"?' if near else f"known are {', '.join(_KEYS)}"
            raise _RowError(f"unknown key {quoted(key)}; {hint}")
    name, tag, as_of, source = (_text(values, key) for key in _REQUIRED)
    platform = _text(values, "platform") if "platform" in values else "linux/amd64"
    for key, value, pattern, example in (
        ("tag", tag, _TAG, "3.12-slim"),
        ("as_of", as_of, _DATE, "2026-08-05"),
        ("platform", platform, _PLATFORM, "linux/amd64"),
    ):
        if not re.fullmatch(pattern, value):
            raise _RowError(f"{key} must be like {example}, not {_short(value)}")
    if not _is_date(as_of):
        raise _RowError(f"as_of is no date: {as_of}")
    compressed, unpacked = (_size(values, key) for key in _SIZES)
    if compressed is None and unpacked is None:
        raise _RowError("must have compressed_bytes or unpacked_bytes")
    approximate = values.get("approximate", False)
    if not isinstance(approximate, bool):
        raise _RowError("approximate must be true or false")
    full = _name(name)
    return BaseImage(full, tag, compressed, unpacked, as_of, source, platform, approximate)


def _name(name: str) -> str:
    reason = images.problem(name)
    if reason:
        raise _RowError(f"name is no name of an image: {shown(reason)}")
    if any(char in name.rpartition("/")[2] for char in ":@"):
        raise _RowError("name must be without tag and digest; the tag is a key of its own")
    return images.canonical(name).removesuffix(":latest")


def _is_date(text: str) -> bool:
    from datetime import date

    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _text(values: dict[str, object], key: str) -> str:
    value = values.get(key)
    if not isinstance(value, str) or not value:
        raise _RowError(f"{key} must be a string that is not empty")
    if len(value) > _LONGEST or not value.isprintable():
        raise _RowError(f"{key} must be at most {_LONGEST} printable characters")
    return value


def _size(values: dict[str, object], key: str) -> int | None:
    value = values.get(key)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise _RowError(f"{key} must be a whole number of bytes, or null")
    if not 0 <= value <= LARGEST:
        raise _RowError(f"{key} must be from 0 to {LARGEST} (1 TiB)")
    return value


def _short(value: str) -> str:
    return quoted(value if len(value) <= 80 else f"{value[:77]}...")
