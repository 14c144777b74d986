"""A limit on the time of anything, also of what knows none.

Looking up a host takes as long as it likes, and a peer that sends a byte now and then never runs
into the timeout of a socket.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


class OverdueError(Exception):
    """It took too long."""


def within(seconds: float, work: Callable[[], T]) -> T:
    """What *work* returns or raises. Raises `OverdueError` if it does neither in so many seconds.

    Then it is left alone, in a thread that ends with the program: it must only work something out.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001 (raised where somebody waits for it)
            errors.append(error)

    thread = Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise OverdueError
    return results[0]
