"""What is known of the bytes that instructions put into an image, and what saves how many.

Bytes of base images are compressed, as the catalogue has them; bytes of the build context are those
of the files on disk. What packages weigh is not known.
"""

from __future__ import annotations

from stagelint.model.file import File
from stagelint.model.gains import Amount, Known
from stagelint.model.moments import Moment


def copied(file: File, moment: Moment) -> Amount | None:
    """The bytes that a COPY or ADD brings from the build context; None if that is not known."""
    if moment.instruction.flag("from") or file.context is None:
        return None
    sources = moment.local_sources
    if len(sources) < len(moment.instruction.arguments) - 1:
        return None  # an address, a text in the file itself, or what only a build knows
    entries = {entry for source in sources for entry in file.context.copied(source)}
    return Amount(sum(entry.size for entry in entries), Known.CONTEXT)
