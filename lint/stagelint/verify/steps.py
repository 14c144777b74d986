"""The steps of a build, as BuildKit tells of them with `--progress=rawjson` (buildx 0.29)."""

from __future__ import annotations

import base64
import json
from collections import deque
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from stagelint.tuples import NamedTuple
from stagelint.verify.verdict import Cost

#: Lines of what a step wrote, and of what the builder said, that are kept for a message.
KEPT = 10


class Told(NamedTuple):
    """What was told last of a step."""

    name: str
    inputs: tuple[str, ...]
    cached: bool
    seconds: float
    is_done: bool
    """Has it ended, or was it found in the cache?"""


class Steps:
    """Fed with the lines of one call; knows the steps by their digest."""

    def __init__(self) -> None:
        self._steps: dict[str, Told] = {}
        self._begun: set[str] = set()
        self._logs: dict[str, deque[str]] = {}
        self._failed: list[str] = []
        self._said: deque[str] = deque(maxlen=KEPT)

    def take(self, line: str) -> list[str]:
        """Take in a line; returns the names of the steps that it says have begun."""
        document = _object(line)
        if document is None:
            if line.strip():
                self._said.append(line)
            return []
        begun = [self._vertex(each) for each in document.get("vertexes") or ()]
        for log in document.get("logs") or ():
            text = base64.b64decode(log.get("data") or "").decode("utf-8", "surrogateescape")
            lines = self._logs.setdefault(log.get("vertex", ""), deque(maxlen=KEPT))
            lines.extend(filter(None, text.splitlines()))
        return list(filter(None, begun))

    def _vertex(self, vertex: dict[str, Any]) -> str:
        digest, name = str(vertex.get("digest")), str(vertex.get("name", ""))
        started, completed = vertex.get("started"), vertex.get("completed")
        seconds = _seconds(started, completed) if started and completed else 0.0
        inputs, cached = tuple(vertex.get("inputs") or ()), bool(vertex.get("cached"))
        self._steps[digest] = Told(name, inputs, cached, seconds, bool(completed))
        if vertex.get("error"):
            self._failed.append(digest)
        if not started or completed or digest in self._begun:  # it is listed before it begins
            return ""
        self._begun.add(digest)
        return name

    @property
    def last_lines(self) -> list[str]:
        """What a failed step wrote last, then what the builder said last."""
        failed = next((self._logs[each] for each in self._failed if each in self._logs), ())
        return [*failed, *self._said]

    def told(self) -> Collection[Told]:
        """Every step."""
        return self._steps.values()

    def needed(self, final: str | None) -> frozenset[str]:
        """The digests of *final* and of all it is made from; none for None."""
        found: set[str] = set()
        waiting = [final] if final else []
        while waiting:
            digest = waiting.pop()
            if digest not in found:
                found.add(digest)
                waiting += self._steps[digest].inputs if digest in self._steps else ()
        return frozenset(found)

    def cost(self, digests: Iterable[str]) -> Cost:
        """What these steps took, one after the other."""
        steps = [self._steps[each] for each in digests if each in self._steps]
        cached = sum(step.cached for step in steps)
        return Cost(len(steps), cached, sum(step.seconds for step in steps if not step.cached))


def _object(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        return json.loads(line)  # type: ignore[no-any-return]
    except ValueError:
        return None


def _seconds(started: str, completed: str) -> float:
    taken = datetime.fromisoformat(completed) - datetime.fromisoformat(started)
    return max(0.0, taken.total_seconds())  # a clock may be set back
