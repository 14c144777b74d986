"""`NamedTuple` as that of `typing`, whose classes are made in a third of the time.

A run on one file makes eighty of them. `typing.NamedTuple` compiles the annotation of every field to
see whether it is a type; both it and `collections.namedtuple` compile a constructor for every class,
and here classes with as many fields share one. Type checkers read that of `typing`.
"""

from __future__ import annotations

from stagelint.typed import TYPE_CHECKING

__all__ = ["NamedTuple"]

if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from collections import namedtuple
    from functools import cache
    from types import FunctionType

    @cache
    def _like(count):
        """A class with so many fields, whose constructor and fields are those of any but for names."""
        return namedtuple("_", [f"field{number}" for number in range(count)])

    def _constructor(name, fields, defaults):
        code = _like(len(fields)).__new__.__code__.replace(co_varnames=("_cls", *fields))
        made = FunctionType(code, {"_tuple_new": tuple.__new__}, "__new__", defaults)
        made.__qualname__ = f"{name}.__new__"
        return made

    def _make(cls, values):
        made = tuple.__new__(cls, values)
        if len(made) != len(cls._fields):
            raise TypeError(f"expected {len(cls._fields)} values, got {len(made)}")
        return made

    def _replace(self, /, **changed):
        made = self._make(map(changed.pop, self._fields, self))
        if changed:
            raise ValueError(f"no such fields: {', '.join(changed)}")
        return made

    def _repr(self):
        pairs = zip(self._fields, self, strict=True)
        return f"{type(self).__name__}({', '.join(f'{field}={value!r}' for field, value in pairs)})"

    _COMMON = {
        "__slots__": (),
        "__repr__": _repr,
        "__getnewargs__": lambda self: tuple(self),
        "_asdict": lambda self: dict(zip(self._fields, self, strict=True)),
        "_make": classmethod(_make),
        "_replace": _replace,
    }

    class _Maker(type):
        def __new__(cls, name, bases, namespace):
            if not bases:
                return super().__new__(cls, name, bases, namespace)
            fields = tuple(namespace.get("__annotations__", ()))
            defaults = {each: namespace.pop(each) for each in fields if each in namespace}
            like = vars(_like(len(fields)))
            own = {each: like[f"field{number}"] for number, each in enumerate(fields)}
            own["_fields"] = own["__match_args__"] = fields
            own["_field_defaults"] = defaults
            own["__new__"] = _constructor(name, fields, tuple(defaults.values()))
            return type(name, (tuple,), {**_COMMON, **own, **namespace})

    class NamedTuple(metaclass=_Maker):
        """The base of a class with annotated fields, which becomes a tuple of these."""
