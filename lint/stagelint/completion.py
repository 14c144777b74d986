"""Completing words in a shell: its script asks `stagelint completion SHELL -- WORD...` at each Tab.

What may stand at a place is known by the parser of the command, so nothing is said twice. Where there
is no candidate the shell offers files, which all other places take.
"""

from __future__ import annotations

from argparse import Action, ArgumentParser
from collections.abc import Iterable, Iterator, Sequence
from typing import cast

from stagelint import arguments
from stagelint.config import FORMATS
from stagelint.tuples import NamedTuple

#: At these Bash ends a word, whatever stands around it (COMP_WORDBREAKS).
_BREAKS = ("=", ":")

SCRIPTS = {
    "bash": """\
_stagelint() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        COMPREPLY+=("$line")
    done < <("$1" completion bash -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _stagelint stagelint dockerfile-stagelint
""",
    "zsh": """\
#compdef stagelint dockerfile-stagelint
_stagelint() {
    local -a found
    found=("${(@f)$("$words[1]" completion zsh -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ -n "$found[1]" ]]; then
        _describe -V stagelint found
    else
        compset -P '*[=:]'
        _files
    fi
}
if [[ "$funcstack[1]" == _stagelint ]]; then
    _stagelint "$@"
else
    compdef _stagelint stagelint dockerfile-stagelint
fi
""",
    "fish": """\
function __stagelint
    set -l words (commandline -opc) (commandline -ct)
    set -l found ($words[1] completion fish -- $words[2..-1] 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\\n' $found
    else
        set -l before (string match --regex '^.*[=:]' -- $words[-1])
        printf '%s\\n' "$before"(__fish_complete_path (string replace "$before" '' -- $words[-1]))
    end
end
complete -c stagelint -f -a '(__stagelint)'
complete -c dockerfile-stagelint -f -a '(__stagelint)'
""",
}


class Candidate(NamedTuple):
    """What a word may become, and what that is."""

    word: str
    help: str = ""


class _Place(NamedTuple):
    """Where in a command line a word stands."""

    parser: ArgumentParser
    action: Action | None
    """What it is a value of; None where nothing may stand."""
    options: bool
    """May it be an option?"""
    is_first: bool
    """May it be a command?"""


def candidates(shell: str, words: Sequence[str]) -> Iterator[str]:
    """Lines as *shell* reads them, each of what the last of *words* may become.

    The words are those after the name of the program.
    """
    words = _joined(words) if shell == "bash" else words
    word = words[-1]
    cut = 1 + max(word.rfind(each) for each in _BREAKS) if shell == "bash" else 0
    for found in complete(words):
        text = " ".join(found.help.split())
        if shell == "bash":
            yield found.word[cut:]
        elif shell == "zsh":
            escaped = found.word.replace(":", "\\:")
            yield f"{escaped}:{text}"
        else:
            yield f"{found.word}\t{text}"


def complete(words: Sequence[str]) -> list[Candidate]:
    """What the last of *words* may become."""
    *before, word = words
    place = _place(before)
    name, equals, value = word.partition("=")
    if place.options and word.startswith("-"):
        option = _option(place.parser, name)
        if not equals:
            found = _options(place.parser)
        elif option is None:
            found = []
        else:
            found = [Candidate(f"{name}={each.word}", each.help) for each in _values(option, value)]
    else:
        found = list(_values(place.action, word)) if place.action else []
        if place.is_first:
            found += [Candidate(*each) for each in arguments.summaries().items()]
    return [each for each in found if each.word.startswith(word)]


def _joined(words: Iterable[str]) -> list[str]:
    """*words* with those put together that Bash has split at a break."""
    found: list[str] = [""]
    for word in words:
        if found[-1] and (word.startswith(_BREAKS) or found[-1].endswith(_BREAKS)):
            found[-1] += word
        else:
            found.append(word)
    return found[1:]


def _place(before: Sequence[str]) -> _Place:
    """The place after the words *before*."""
    is_command = bool(before) and before[0] in arguments.COMMANDS
    parser = arguments.parser_of(before[0] if is_command else "check")
    is_first = not before
    positionals = _positionals(parser)
    expecting: Action | None = None
    options = True
    for word in before[is_command:]:
        if expecting:
            expecting = None
        elif options and word == "--":
            options = False
        elif options and word.startswith("-") and word != "-":
            option = _option(parser, word)
            expecting = option if option and option.nargs is None else None
        elif positionals:
            below = _parsers(positionals[0])
            if below:
                parser = below.get(word, parser)
                positionals = _positionals(parser)
            elif positionals[0].nargs not in ("*", "+"):
                positionals = positionals[1:]
    action = expecting or (positionals[0] if positionals else None)
    return _Place(parser, action, options and not expecting, is_first)


def _actions(parser: ArgumentParser) -> list[Action]:
    return parser._actions  # pyright: ignore[reportPrivateUsage] - there is no other way to them


def _positionals(parser: ArgumentParser) -> list[Action]:
    return [action for action in _actions(parser) if not action.option_strings]


def _parsers(action: Action) -> dict[str, ArgumentParser]:
    """The parsers of the commands that *action* chooses from, if it does so."""
    choices: object = action.choices
    return cast("dict[str, ArgumentParser]", choices) if isinstance(choices, dict) else {}


def _option(parser: ArgumentParser, name: str) -> Action | None:
    return next((each for each in _actions(parser) if name in each.option_strings), None)


def _options(parser: ArgumentParser) -> list[Candidate]:
    return [
        Candidate(name, action.help or "")
        for action in _actions(parser)
        for name in action.option_strings
    ]


def _values(action: Action, word: str) -> Iterable[Candidate]:
    """What a value of *action* may be that begins with *word*."""
    if below := _parsers(action):
        return [Candidate(name, each.description or "") for name, each in below.items()]
    if action.choices:
        return map(Candidate, action.choices)
    match action.metavar:
        case "RULES":
            return _after(word, ",", _rules())
        case "GLOB:RULES" if ":" in word:
            return _after(word, "," if "," in word else ":", _rules())
        case "CODE|NAME":
            return _rules()
        case "FORMAT[:FILE]" if ":" not in word:
            return [Candidate(*each) for each in FORMATS.items()]
        case _:
            return []


def _after(word: str, separator: str, parts: Iterable[Candidate]) -> list[Candidate]:
    """*parts* in the place of what stands in *word* after the last *separator*."""
    head = word[: word.rfind(separator) + 1]
    return [Candidate(head + each.word, each.help) for each in parts]


def _rules() -> list[Candidate]:
    from stagelint.registry import ALL, Registry

    entries = Registry().entries
    families = sorted({entry.code.rstrip("0123456789") for entry in entries})
    return [
        Candidate(ALL, "every rule"),
        *(Candidate(family, "rules whose code begins so") for family in families),
        *(Candidate(entry.code, entry.name) for entry in entries),
        *(Candidate(entry.name, entry.code) for entry in entries),
    ]
