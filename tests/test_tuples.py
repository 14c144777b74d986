"""Our `NamedTuple` is that of `typing`, as far as anybody can tell who uses it."""

from __future__ import annotations

import copy
import inspect
import pickle
import typing
from typing import Any

import pytest

from stagelint.tuples import NamedTuple


class Ours(NamedTuple):
    """A document."""

    first: int
    second: str = "b"
    third: tuple[int, ...] = ()
    """Of the third."""

    @property
    def both(self) -> str:
        return f"{self.first}{self.second}"

    def longer(self) -> Ours:
        return self._replace(third=(*self.third, 1))


class Theirs(typing.NamedTuple):
    """A document."""

    first: int
    second: str = "b"
    third: tuple[int, ...] = ()
    """Of the third."""

    @property
    def both(self) -> str:
        return f"{self.first}{self.second}"

    def longer(self) -> Theirs:
        return self._replace(third=(*self.third, 1))


class Nothing(NamedTuple):
    pass


class One(NamedTuple):
    only: int


CLASSES: list[Any] = [Ours, Theirs]


@pytest.mark.parametrize("kind", CLASSES)
def test_it_is_a_tuple_with_names(kind: Any) -> None:
    made = kind(1, third=(2,))

    assert made == (1, "b", (2,))
    assert kind.__mro__[1:] == (tuple, object)
    assert (made.first, made.second, made.third, made.both) == (1, "b", (2,), "1b")
    assert repr(made) == f"{kind.__name__}(first=1, second='b', third=(2,))"
    assert made._asdict() == {"first": 1, "second": "b", "third": (2,)}
    assert made.longer() == (1, "b", (2, 1))
    assert type(made.longer()) is type(kind._make([1, 2, 3])) is kind
    assert kind._fields == kind.__match_args__ == ("first", "second", "third")
    assert kind._field_defaults == {"second": "b", "third": ()}
    assert (kind.__doc__, kind.__module__, kind.__qualname__) == (
        "A document.",
        __name__,
        kind.__name__,
    )
    assert list(kind.__annotations__) == list(kind._fields)
    parameters = inspect.signature(kind).parameters.values()
    assert [(each.name, each.default) for each in parameters] == [
        ("first", inspect.Parameter.empty),
        ("second", "b"),
        ("third", ()),
    ]
    assert hash(made) == hash((1, "b", (2,)))
    match made:
        case kind(1, third=(2,)):
            pass
        case _:
            pytest.fail("it does not match")


@pytest.mark.parametrize("kind", CLASSES)
def test_copies_are_alike(kind: Any) -> None:
    made = kind(1)

    for each in (copy.copy(made), copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert each == made
        assert type(each) is kind


@pytest.mark.parametrize("kind", CLASSES)
def test_mistakes_are_told(kind: Any) -> None:
    for mistaken in (
        lambda: kind(),
        lambda: kind(1, 2, 3, 4),
        lambda: kind(1, fourth=1),
        lambda: kind._make([1]),
    ):
        with pytest.raises(TypeError):
            mistaken()
    with pytest.raises(TypeError, match=r"__new__\(\) missing 1 required positional argument"):
        kind()
    with pytest.raises(ValueError, match="fourth"):
        kind(1)._replace(fourth=1)
    with pytest.raises(AttributeError):
        kind(1).first = 2
    with pytest.raises(AttributeError):
        kind(1).fourth = 2


def test_classes_with_as_many_fields_have_nothing_else_in_common() -> None:
    class Other(NamedTuple):
        x: int
        y: int
        z: int = 3

    assert Other(1, y=2) == (1, 2, 3)
    assert Ours(1).second == "b"
    assert (Nothing(), One(1), One(only=1).only) == ((), (1,), 1)
    assert not hasattr(Other(1, 2), "first")
