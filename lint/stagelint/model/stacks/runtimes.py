"""The image that a program is shipped on which was compiled upon another."""

from __future__ import annotations

from stagelint.model.base_images import Description
from stagelint.model.families import DEBIAN
from stagelint.model.file import File
from stagelint.model.images import DOCKER_HUB
from stagelint.model.stacks.plans import Refused
from stagelint.model.stages import Stage
from stagelint.tuples import NamedTuple

#: The newest releases as of September 2026. Programs that were linked on an older one run on them:
#: both C libraries keep what they once had.
_NEWEST = {"debian": "trixie", "alpine": "3.23"}
_NUMBERS = {name: number for name, number in DEBIAN.items() if number.isdigit()}


class Runtime(NamedTuple):
    """A small image, and what its choice rests on."""

    reference: str
    os: str
    release: str
    """Empty if it is that of the build, whichever that is."""
    holds: tuple[str, ...] = ()


def base(file: File, stage: Stage, *, may_stay: bool = False) -> Description:
    """What the build is built on. Raises `Refused` if nothing can be put in its place.

    With *may_stay*, the program may be shipped upon it as well, if there is no smaller variant.
    """
    image = file.histories[stage.index].image
    raw = stage.base.raw
    if raw != stage.base.text or file.tree.escape != "\\":
        raise Refused("the name of its base is put together from variables")
    if image is None:
        raise Refused(f"it is not known what `{raw}` is")
    if image.reference.digest and not (may_stay and image.smaller() is None):
        raise Refused("its base is pinned by a digest, and that of another is not known")
    if stage.platform:
        raise Refused("its base is of a platform that is told")
    return image


def slimmer(stage: Stage, image: Description) -> str:
    """The variant of *image*, which *stage* is built on, that has no compilers. Raises `Refused`."""
    smaller = image.smaller()
    if smaller is None:
        return stage.base.raw
    if image.reference.domain != DOCKER_HUB:
        raise Refused(f"`{image.reference.domain}` may not have `{smaller}`")
    raw, tag = stage.base.raw, image.reference.tag
    return f"{raw.removesuffix(f':{tag}') if tag else raw}:{smaller.tag}"


def small(file: File, image: Description, *, is_static: bool) -> Runtime:
    """The small image of the operating system that *image* is built upon. Raises `Refused`.

    Of a static program the release does not matter.
    """
    if image.family.kind.value == "os":
        return Runtime(str(image.smaller() or image.reference), image.os, image.release)
    if image.os not in _NEWEST:
        raise Refused(f"it is not known which small image is like `{image.reference}`")
    if image.reference.domain != DOCKER_HUB:
        raise Refused(f"`{image.reference.domain}` may have no image of {image.os.title()}")
    release = image.release or _NEWEST[image.os]
    suffix = "-slim" if image.os == "debian" else ""
    reference = f"{image.os}:{release}{suffix}"
    if image.release or is_static:
        return Runtime(reference, image.os, image.release)
    if len(image.version) < 2:
        raise Refused(f"the release that `{image.reference}` is built upon changes with time")
    holds = f"`{image.reference}` is built upon the release of `{reference}` or an older one"
    return Runtime(reference, image.os, release, (holds,))
