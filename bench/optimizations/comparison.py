"""Two images that a daemon has, compared as `stagelint verify` does.

That builds two Dockerfiles in one context. Here each may have its own, as where `.dockerignore` is
rewritten.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from bench.equivalence import builders
from stagelint.verify import compare
from stagelint.verify.image import Image


def differences(
    docker: builders.Docker,
    before: str,
    after: str,
    rebuilt: Callable[[], str],
    *,
    but_caches: bool,
) -> list[str]:
    """The paths and settings in which two images differ, in words, by their tags.

    What differs between *before* and *rebuilt*, its tag once it is built anew, does not count; nor
    do caches and logs with *but_caches*.
    """
    with tempfile.TemporaryDirectory(prefix="sl") as folder:

        def image(tag: str) -> Image:
            path = Path(folder, f"{tag.replace(':', '-')}.tar")
            docker.run("image", "save", "--output", str(path), tag)
            return Image(str(path), lambda: None)

        old, new = image(before), image(after)
        settings = compare.settings(old.settings, new.settings)
        files = compare.files(old.files, new.files)
        files = [each for each in files if not (but_caches and compare.is_cache(each))]
        if files:
            noise = compare.files(old.files, image(rebuilt()).files)
            unstable = compare.unstable(files, noise)
            files = [each for each in files if each.path not in unstable]
        return [
            *(f"{each.name}: {each.before} is {each.after}" for each in settings),
            *(f"{each.path}: {', '.join(sorted(each.aspects))}" for each in files),
        ]
