"""Where the script of a RUN is divided: what does without the sources, and what needs them."""

from __future__ import annotations

import re

from stagelint.model.installs.copies import Below, Copy
from stagelint.model.installs.needs import Unclear
from stagelint.model.run_steps import Step, is_apart, is_led_elsewhere, steps
from stagelint.source import Span

#: What the rest of a script would not find any more in a RUN of its own.
_STATE = frozenset(". cd eval exec exit export set shopt source trap ulimit umask unset".split())
#: What takes away files of the layer that they are in.
_CLEANING = r"(?:rm|rmdir|unlink|find|mv)(?: .*)?|.* (?:autoremove|cache|clean|del|erase|prune|purge|remove|uninstall)"


def division(below: Below, copy: Copy) -> Span | None:
    """What stands between the commands that do without what *copy* brings, and those that need it.

    None if all of the RUN does without. Raises `Unclear` if the two cannot be told apart.
    """
    installing = {id(call) for call, _ in below.installs}
    listed = steps(below.run)
    if listed is None:
        if len(below.run.calls) == 1:
            return None
        raise Unclear("its script is no plain list of commands")
    split = next(
        (at for at, each in enumerate(listed) if not _may_stay(each, copy, installing)), None
    )
    if split is None:
        return None
    done, rest = listed[:split], listed[split:]
    if any(id(call) in installing for each in rest for call in each.calls):
        name = rest[0].calls[0].name
        raise Unclear(f"`{name}` in the same RUN is not known to do without the sources")
    if any(call.name in _STATE for each in done for call in each.calls):
        raise Unclear("the rest of its script depends on what it sets")
    for call in (call for each in rest for call in each.calls):
        if re.fullmatch(_CLEANING, " ".join((call.name, *call.words[:1]))):
            raise Unclear("its script cleans up, which another layer cannot")
    between = Span(done[-1].span.end, rest[0].span.start)
    if "#" in below.run.instruction.text[between.start : between.end]:
        raise Unclear("a comment stands where its script would be divided")
    return between


def _may_stay(step: Step, copy: Copy, installing: set[int]) -> bool:
    """Does *step* do without the sources?"""
    is_install = any(id(call) in installing for call in step.calls)
    return (is_install and is_led_elsewhere(step, copy.target)) or is_apart(step, copy.target)
