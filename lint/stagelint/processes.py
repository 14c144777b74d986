"""Work done by several processes, each a copy of this one, with results as from one alone.

A copy has all that this process knows already. It is told by number what to do, and says by JSON
what came of it. Only POSIX systems can copy processes; elsewhere one does all.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from stagelint.tuples import NamedTuple
from stagelint.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any, NoReturn

    Work = Callable[[int], Any]

_NUMBER = 8


class Died(NamedTuple):
    """In the place of a result: what became of the process that was to work it out."""

    status: int
    """As `os.waitstatus_to_exitcode` has it: the negative number of a signal, or an exit status."""


def can_copy() -> bool:
    """Are there copies of processes here? Libraries of macOS do not survive it."""
    return hasattr(os, "fork") and sys.platform != "darwin"


def cores() -> int:
    """Those that this process may use."""
    with contextlib.suppress(AttributeError, OSError):  # few systems tell
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def spread(work: Work, groups: Sequence[Sequence[int]], count: int) -> dict[int, Any]:
    """What *work* gives for every number in *groups*, by *count* processes, a group at a time.

    Results are what can be written as JSON, as it is read again. Where a process dies, that is the
    result of the number it was at, and another process does the rest.
    """
    results: dict[int, Any] = {}
    waiting = deque(group for group in groups if group)
    pool = _Pool(work)
    try:
        for _ in range(min(count, len(waiting))):
            pool.start(waiting.popleft())
        while pool.workers:
            for worker in pool.ready():
                done = worker.read()
                if done is not None:
                    results.update(done)
                    if not worker.left and waiting:
                        worker.give(waiting.popleft())
                    elif not worker.left:
                        pool.end(worker)
                    continue
                status = pool.end(worker)
                if worker.left:
                    results[worker.left.pop(0)] = Died(status)
                if worker.left:
                    waiting.appendleft(worker.left)
                if waiting:
                    pool.start(waiting.popleft())
    finally:
        pool.kill()
    return results


class _Worker:
    """Another process, as this one sees it."""

    def __init__(self, pid: int, orders: int, answers: int) -> None:
        """*orders* is the end of a pipe to write to, *answers* one to read from."""
        self.pid = pid
        self.orders = orders
        self.answers = answers
        self.left: list[int] = []
        """What it has been told to do and has not done."""
        self._read = b""

    def give(self, group: Sequence[int]) -> None:
        self.left = [*group]
        order = json.dumps(self.left).encode()
        with contextlib.suppress(BrokenPipeError):  # it is dead, as its answers will tell
            _write(self.orders, order)

    def read(self) -> list[tuple[int, Any]] | None:
        """What has been done since; None if the process has ended."""
        data = os.read(self.answers, 1 << 20)
        if not data:
            return None
        self._read += data
        done: list[tuple[int, Any]] = []
        while len(self._read) >= _NUMBER:
            end = _NUMBER + int.from_bytes(self._read[:_NUMBER], "big")
            if len(self._read) < end:
                break
            done.append((self.left.pop(0), json.loads(self._read[_NUMBER:end])))
            self._read = self._read[end:]
        return done

    def close(self) -> None:
        os.close(self.orders)
        os.close(self.answers)


class _Pool:
    """The processes there are."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self.workers: dict[int, _Worker] = {}
        """By the pipe that their answers come from."""

    def start(self, group: Sequence[int]) -> None:
        """Have a new process do *group*."""
        orders, answers = os.pipe(), os.pipe()
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # it ends without a word
            for worker in self.workers.values():
                worker.close()
            os.close(orders[1])
            os.close(answers[0])
            _obey(self._work, orders[0], answers[1])
        os.close(orders[0])
        os.close(answers[1])
        worker = _Worker(pid, orders[1], answers[0])
        self.workers[worker.answers] = worker
        worker.give(group)

    def ready(self) -> Iterator[_Worker]:
        """The processes that have something to say, as soon as there is one."""
        found, _, _ = select.select([*self.workers], [], [])
        return (self.workers[each] for each in found)

    def end(self, worker: _Worker) -> int:
        """Let go of a process that has nothing left to do, or is dead; returns its exit status."""
        del self.workers[worker.answers]
        worker.close()
        return os.waitstatus_to_exitcode(os.waitpid(worker.pid, 0)[1])

    def kill(self) -> None:
        """End all that are left."""
        for worker in [*self.workers.values()]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker.pid, signal.SIGKILL)
            self.end(worker)


def _obey(work: Work, orders: int, answers: int) -> NoReturn:
    """The life of a copy: it does what it is told until nobody is there to tell."""
    status = 1
    try:
        while order := _message(orders):
            for number in json.loads(order):
                _write(answers, json.dumps(work(number)).encode())
        status = 0
    except (OSError, MemoryError):
        pass  # nobody listens any more, or there is nothing left to speak with
    finally:
        os._exit(status)


def _write(pipe: int, body: bytes) -> None:
    data = memoryview(len(body).to_bytes(_NUMBER, "big") + body)
    while data:
        data = data[os.write(pipe, data) :]


def _message(pipe: int) -> bytes:
    """The next message; empty if there is none to come."""
    size = int.from_bytes(_exactly(pipe, _NUMBER), "big")
    return _exactly(pipe, size)


def _exactly(pipe: int, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = os.read(pipe, size - len(data))
        if not more:
            return b""
        data += more
    return data
