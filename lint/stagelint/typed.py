"""What a plain run needs of `typing`, which takes 3 of its milliseconds to load.

Type checkers take any variable called TYPE_CHECKING for true.
"""

from __future__ import annotations

__all__ = ["TYPE_CHECKING", "cast", "final"]

TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import cast, final
else:

    def cast(kind, value):
        """*value*, which type checkers take for one of *kind*."""
        return value

    def final(it):
        """*it*, a method that no subclass has another of."""
        return it
