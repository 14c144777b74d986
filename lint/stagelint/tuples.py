"""`NamedTuple` as that of `typing`, without what nothing here reads.

`typing.NamedTuple` compiles the annotation of every field to see whether it is a type, which takes as
long again as to make the class: 6 ms of a run on one file, which has 60 ms (tests/test_startup.py).
Type checkers read that of `typing`.
"""

from __future__ import annotations

from stagelint.typed import TYPE_CHECKING

__all__ = ["NamedTuple"]

if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from collections import namedtuple

    class _Maker(type):
        def __new__(cls, name, bases, namespace):
            if not bases:
                return super().__new__(cls, name, bases, namespace)
            fields = namespace.pop("__annotations__", {})
            defaults = [namespace.pop(field) for field in fields if field in namespace]
            made = namedtuple(name, fields, defaults=defaults, module=namespace["__module__"])
            made.__annotations__ = fields
            for key, value in namespace.items():
                setattr(made, key, value)
            return made

    class NamedTuple(metaclass=_Maker):
        """The base of a class with annotated fields, which becomes a tuple of these."""
