"""What a builder brings to a build: the values of ARGs, and what images hold."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from stagelint.model.symbols import Symbolic, digest, may_be_unset, symbol


class Anybody:
    """A builder of whom nothing is known: a value of any ARG may be given."""

    def argument(self, name: str, default: Symbolic | None) -> Symbolic | None:
        """What `ARG name` is if it is *default* where nobody gives it; None if it is not set."""
        return symbol("arg", name, default, is_optional=may_be_unset(default))

    def platform(self, name: str) -> Symbolic:
        """What an ARG is that the builder sets itself, such as TARGETARCH."""
        return symbol("platform", name)

    def files(self, image: str, known: str) -> str:
        """Stands for the files of *image*, a canonical reference; *known* stands for it as such."""
        return known


class Somebody(Anybody):
    """A builder who gives known values; what has changed since the last build is a symbol."""

    def __init__(
        self,
        given: Mapping[str, str],
        changed: Collection[str] = (),
        changed_images: Collection[str] = (),
        platform: Mapping[str, str] | None = None,
    ) -> None:
        """*given* and *changed* are ARGs by name; images are canonical references. *platform* has the
        ARGs that the builder sets itself, as far as they are known.
        """
        self._given = given
        self._changed = changed
        self._images = changed_images
        self._platform = platform or {}

    def argument(self, name: str, default: Symbolic | None) -> Symbolic | None:
        """See `Anybody`."""
        if name in self._changed:
            return symbol("changed", name)
        return self._given.get(name, default)

    def platform(self, name: str) -> Symbolic:
        """See `Anybody`."""
        return self._platform.get(name, super().platform(name))

    def files(self, image: str, known: str) -> str:
        """See `Anybody`."""
        return digest("changed", known) if image in self._images else known
