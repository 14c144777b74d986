"""The builds of a shell script, with its variables as far as they can be told by reading."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice, pairwise, product

from stagelint.model.project import UNKNOWN, Build
from stagelint.project import command, paths
from stagelint.project.command import Asker
from stagelint.project.paths import HERE, TOP
from stagelint.project.text import MOST, STEPS, Text, combine
from stagelint.syntax import shell
from stagelint.syntax.shell import Assignment, Command, Kind, Part, Word
from stagelint.tuples import NamedTuple

Variables = Mapping[str, Sequence[Text]]

#: Folders by the names that CI systems give them.
FOLDERS = {
    "PWD": ".",
    "GITHUB_WORKSPACE": TOP,
    "CI_PROJECT_DIR": TOP,
    "BUILD_SOURCESDIRECTORY": TOP,
    "SYSTEM_DEFAULTWORKINGDIRECTORY": TOP,
    "BITBUCKET_CLONE_DIR": TOP,
    "CIRCLE_WORKING_DIRECTORY": TOP,
    "DRONE_WORKSPACE": TOP,
    "CI_WORKSPACE": TOP,
}
_DECLARING = frozenset(("export", "local", "readonly", "declare", "typeset"))

#: Folders by the commands that print them.
_TOP_LEVEL = re.compile(r"git\s+rev-parse\s+--show-toplevel")
_SCRIPTS_FOLDER = re.compile(r"""dirname|(?:BASH_SOURCE|\$\{?0)[^\s"']*%/\*""")
_ITSELF = re.compile(r"\$\{?(?:0|BASH_SOURCE|\(%\))")
_FUNCTION = re.compile(
    r"^[ \t]*(?:function[ \t]+(?P<name>[\w:.-]+)[ \t]*(?:\(\))?|(?P<plain>[\w:.-]+)[ \t]*\(\))[ \t\n]*[{(]",
    re.MULTILINE,
)
#: What a shell makes several words of, or other ones: `{a,b}`, `*`; and the `{}` of xargs.
_EXPANDED = re.compile(r"[*?\[]|\{[^{}]*[,}.]")
#: Where commands may run or not, one after the other or not.
_BRANCHES = re.compile(r"\b(?:then|else|do|case)\b")
_HEREDOC = re.compile(
    r"<<-?[ \t]*([\"']?)(?P<end>\w+)\1[^\n]*\n(?P<body>.*?)^[ \t]*(?P=end)[ \t]*$",
    re.DOTALL | re.MULTILINE,
)
_ENGINE = re.compile(r"\b(?:docker|podman|buildah|nerdctl|buildx|kaniko)\b")
#: Ways to set variables that are not read.
_SETTING = re.compile(
    r"(?:^|[;&|({]|\bthen|\bdo|\belse)[ \t]*(?:\.|source|eval|getopts|mapfile|readarray|select)[ \t]"
    r"|\bprintf[ \t]+-v|\bdeclare[ \t]+-n|\bexport[ \t]+[\"']?\$\(|\bfor[ \t]+\w+[ \t]*;|\(\([ \t]*\w+[ \t]*=",
    re.MULTILINE,
)
#: Programs that run what their last word says.
_SHELLS = frozenset(("sh", "bash", "dash", "zsh", "ash"))
#: Scripts in scripts are read so deep.
_DEPTH = 3
_ABOVE = re.compile(r"(?:/\.\.)+")


def builds(script: Text, asker: Asker, variables: Variables | None = None) -> Iterator[Build]:
    """The builds that *script* asks for; *variables* are those that are set around it."""
    yield from _Script(script, asker, variables or {}).builds()


class _Function(NamedTuple):
    """A function: its body stands at *start* to *end*."""

    name: str
    start: int
    end: int


class _Script:
    def __init__(self, script: Text, asker: Asker, variables: Variables, depth: int = 0) -> None:
        self.script = script
        self.depth = depth
        self.asker = asker
        self.outer = variables
        self.commands = list(shell.commands(script.text))
        self.functions = list(_functions(script.text))
        self.calls: dict[str, list[Command]] = {each.name: [] for each in self.functions}
        for each in self.commands:
            name = each.words[0].literal if each.words else None
            if name in self.calls and not each.compound:
                self.calls[name].append(each)
        self.shifts = [
            each.start
            for each in self.commands
            if len(each.words) == 1 and each.words[0].literal == "shift"
        ]
        self.is_straight = not self.functions and not _BRANCHES.search(script.text)
        self.is_open = bool(_SETTING.search(script.text))
        """Does it set variables in ways that are not read?"""
        self.steps = 0
        self.assigned: dict[str, list[Assignment]] = {}
        for each in self.commands:
            for assignment in (*each.assignments, *self._declared(each)):
                self.assigned.setdefault(assignment.name, []).append(assignment)

    def builds(self) -> Iterator[Build]:
        """The builds of all commands; those of texts that commands are given are hints."""
        yield from self._heredocs()
        folders: list[tuple[int, paths.Base]] = [(0, self.asker.base)]
        for each in self.commands:
            while len(folders) > 1 and folders[-1][0] > each.depth:
                folders.pop()
            base = folders[-1][1]
            name = each.words[0].literal if each.words else None
            if name in ("cd", "pushd") and len(each.words) > 1:
                folder = next(iter(self._alternatives(each.words[-1])))
                before, base = base, base.within(folder.text)
                if UNKNOWN in folder.text or name == "pushd" or not self.is_straight:
                    there = tuple(dict.fromkeys((*base.folders, *before.folders)))
                    base = base._replace(folders=there, is_certain=False)
                if folders[-1][0] == each.depth:
                    folders.pop()
                folders.append((each.depth, base))
            elif name == "popd":
                folders.append((each.depth, base._replace(is_certain=False)))
            elif self._may_build(each):
                asker = self.asker._replace(base=base)
                place = self.script[each.start : each.end]
                for words in self._commands(each):
                    yield from command.builds(words, asker, place)
                    yield from self._inner(words, asker)

    def _heredocs(self) -> Iterator[Build]:
        """The builds in texts that are given to commands, which may be shells elsewhere."""
        anywhere = paths.Base((UNKNOWN,), is_certain=False)
        for match in _HEREDOC.finditer(self.script.text):
            body = self.script[match.start("body") : match.end("body")]
            if self.depth < _DEPTH and _ENGINE.search(body.text):
                asker = self.asker._replace(base=anywhere)
                for build in _Script(body, asker, {}, self.depth + 1).builds():
                    yield build._replace(is_hint=True)

    def _inner(self, words: Sequence[Text], asker: Asker) -> Iterator[Build]:
        """The builds of `bash -c SCRIPT` and `eval WORDS`."""
        if self.depth >= _DEPTH or not words:
            return
        program, *rest = words[command.behind_prefixes(words) :] or words
        if program.text.rpartition("/")[2] in _SHELLS:
            for option, text in pairwise(rest):
                if re.fullmatch("-[a-z]*c", option.text):
                    yield from _Script(text, asker, self.outer, self.depth + 1).builds()
        if words[0].text == "eval":
            for word in words[1:]:
                if UNKNOWN in word.text and _ENGINE.search(self.script.text):
                    nothing = word.as_unknown().value
                    yield Build(
                        asker.kind,
                        asker.label,
                        word.source,
                        word.span,
                        (nothing,),
                        target=nothing,
                        is_hint=True,
                    )
            for word in words[1:]:
                yield from _Script(word, asker, self.outer, self.depth + 1).builds()

    def _may_build(self, each: Command) -> bool:
        """Does a word say so? Most commands are not worth to be expanded."""
        written = self.script.text[each.start : each.end]
        first = each.words[0] if each.words else None
        for part in first.parts if first else ():
            for assignment in (
                self.assigned.get(part.text, ()) if part.kind is not Kind.TEXT else ()
            ):
                written += "".join(
                    self.script.text[word.start : word.end] for word in assignment.words
                )
        return any(word in written for word in ("build", "bud", "bake", "executor"))

    def _declared(self, each: Command) -> Iterator[Assignment]:
        """`export NAME=value` and its like; `for NAME in words`."""
        words = each.words
        name = words[0].literal if words else None
        if name in _DECLARING:
            for word in words[1:]:
                found = self._as_assignment(word)
                if found:
                    yield found
        elif name == "for" and len(words) > 3 and words[2].literal == "in":
            variable = words[1].literal
            if variable:
                for word in words[3:]:
                    yield Assignment(variable, (word,))
        elif name == "read":
            for word in words[1:]:
                if word.literal and word.literal.isidentifier():
                    yield Assignment(word.literal, ())

    def _as_assignment(self, word: Word) -> Assignment | None:
        first = word.parts[0] if word.parts else None
        if first is None or first.kind is not Kind.TEXT:
            return None
        name, equals, _ = first.text.partition("=")
        if not equals or not name.isidentifier():
            return None
        start = first.start + len(name) + 1
        rest = first._replace(text=first.text[len(name) + 1 :], start=start)
        return Assignment(name, (Word((rest, *word.parts[1:]), start, word.end),))

    # -- expansion -------------------------------------------------------------------------------

    def _commands(self, each: Command) -> Iterator[list[Text]]:
        """The words of a command, once for every combination of what its variables may be."""
        self.steps = 0
        alternatives = [self._words(word) for word in each.words]
        count = 1
        for some in alternatives:
            count *= len(some)
        if count > MOST:
            alternatives = [
                some[:1] if len(some) == 1 else [[self._several(some)]] for some in alternatives
            ]
        for chosen in islice(product(*alternatives), MOST):
            yield [text for words in chosen for text in words]

    def _several(self, some: Sequence[list[Text]]) -> Text:
        first = next((words[0] for words in some if words), self.script)
        return first.as_unknown()

    def _words(self, word: Word) -> list[list[Text]]:
        """What a word becomes: several where a variable without quotes has blanks."""
        part = _lone_part(word)
        if part is not None and part.kind is Kind.VARIABLE:
            found = self._of_variable(word, part)
            if found is not None:
                return found
        elif part is not None and self._is_computed(part, word):
            return [[_marked(self.script[word.start : word.end], command.PERHAPS_SEVERAL)]]
        return [[text] for text in self._alternatives(word)]

    def _is_computed(self, part: Part, word: Word) -> bool:
        """Is it the output of a command, which may be several words?"""
        if part.is_quoted or _place(self._written(word)):
            return False
        return part.kind is Kind.SUBSTITUTION or part.text == UNKNOWN

    def _of_variable(self, word: Word, part: Part) -> list[list[Text]] | None:
        """The words that `$NAME`, `"$@"` or `"${NAME[@]}"` stands for; None for a single one."""
        where = self.script[word.start : word.end]
        is_list = part.text in "@*" or self.script.text[part.start : part.end].endswith(
            ("[@]}", "[*]}")
        )
        if part.operator.lstrip(":") == "+":
            return [[_marked(where, command.SEVERAL)]]
        if part.is_quoted and not is_list:
            return None
        if part.text in "@*":
            called = self._arguments(part, frozenset())
            if called:
                return called
        mark = command.SEVERAL if is_list else command.PERHAPS_SEVERAL
        assignments = self.assigned.get(part.text, [])
        if is_list or any(each.is_added for each in assignments):
            words = [text for each in assignments for text in self._assigned_words(each)]
            return [words or [_marked(where, mark)]]
        values = self._value(part, word, frozenset())
        return [
            [_marked(value, mark)] if value.text == UNKNOWN else value.split() for value in values
        ]

    def _assigned_words(self, assignment: Assignment) -> Iterator[Text]:
        for word in assignment.words:
            for text in self._alternatives(word, frozenset((assignment.name,))):
                if assignment.is_array:
                    yield text
                else:
                    yield from text.split()

    def _alternatives(self, word: Word, open_: frozenset[str] = frozenset()) -> list[Text]:
        """The texts that *word* may be; the variables in *open_* are being worked out."""
        whole = self.script[word.start : word.end]
        place = _place(whole.text)
        if place:
            piece = whole.pieces[0]
            return [Text([piece._replace(text=place, span=whole.span)])]
        return list(combine([self._part(part, word, open_) for part in word.parts], whole))

    def _part(self, part: Part, word: Word, open_: frozenset[str]) -> list[Text]:
        if part.kind is Kind.TEXT:
            if not part.is_quoted and _EXPANDED.search(part.text):
                return [self._unknown(part)]
            return [self.script[part.start : part.end]]
        if part.kind is Kind.VARIABLE:
            return self._value(part, word, open_)
        return [self._unknown(part)]

    def _value(self, part: Part, word: Word, open_: frozenset[str]) -> list[Text]:
        """What a variable may be."""
        operator = part.operator.lstrip(":")
        if operator and operator not in "-=?":
            return [self._unknown(part)]
        found: list[Text] = []
        if part.text.isdigit() and part.text != "0":
            at = int(part.text[:3])
            for words in self._arguments(part, open_):
                found += [each.as_default() for each in words[at - 1 : at]]
        self.steps += 1
        if part.text not in open_ and len(open_) < MOST and self.steps < STEPS:
            for assignment in self.assigned.get(part.text, ()):
                if not assignment.words or assignment.is_added or assignment.is_array:
                    return [self._unknown(part)]
                found += self._alternatives(assignment.words[0], open_ | {part.text})
                if len(found) > MOST:
                    return [self._unknown(part)]
            if found and self._may_be_otherwise(part.text):
                found = [each.as_default() for each in found]
            if not found:
                found = list(self.outer.get(part.text, ()))
        if operator in ("-", "=") and not any(each.is_known for each in found):
            default = [self._part(each, word, open_ | {part.text}) for each in part.operand]
            whole = self.script[part.start : part.end]
            found = [each.as_default() for each in combine(default, whole)]
        if not found and part.text in FOLDERS:
            piece = self.script[part.start : part.end].pieces[0]
            found = [Text([piece._replace(text=FOLDERS[part.text])])]
        return _distinct(found) or [self._unknown(part)]

    def _arguments(self, part: Part, open_: frozenset[str]) -> list[list[Text]]:
        """The arguments of every call of the function that *part* stands in; none if not known."""
        around = [each for each in self.functions if each.start <= part.start < each.end]
        if not around or around[-1].name in open_ or len(open_) > MOST:
            return []
        function = around[-1]
        calls = self.calls[function.name]
        text = self.script.text
        shifts = [at for at in self.shifts if function.start <= at < function.end]
        body = text[function.start : function.end]
        is_looping = bool(shifts) and bool(re.search(r"\b(?:while|until|for)\b", body))
        if is_looping or re.search(r"\bset\s+--", body) or function.name in self._passed_on:
            return []
        first = 1 + sum(at < part.start for at in shifts)
        found: list[list[Text]] = []
        for call in calls:
            alternatives = [
                [[text] for text in self._alternatives(word, open_ | {function.name})]
                for word in call.words[first:]
            ]
            chosen = islice(product(*alternatives), MOST)
            found += [[text for words in each for text in words] for each in chosen]
        return found

    @cached_property
    def _passed_on(self) -> frozenset[str]:
        """The functions that are named where they are not called: something else may call them."""
        found: set[str] = set()
        for each in self.commands if self.functions else ():
            words = [word.literal for word in each.words]
            found.update(
                word
                for before, word in pairwise(words)
                if word in self.calls and before not in command.ENGINES
            )
            for assignment in each.assignments:
                found.update(
                    name for word in assignment.words if (name := word.literal) in self.calls
                )
        return frozenset(found)

    def _may_be_otherwise(self, name: str) -> bool:
        """Can a variable that is assigned have another value, by ways that are not read?"""
        tested = rf"-[zn]\s+[\"']?\$\{{?{re.escape(name)}\b"
        return self.is_open or bool(re.search(tested, self.script.text))

    def _written(self, word: Word) -> str:
        return self.script.text[word.start : word.end]

    def _unknown(self, part: Part) -> Text:
        whole = self.script[part.start : part.end]
        return whole.as_unknown()


def _functions(script: str) -> Iterator[_Function]:
    """The functions that a script defines, whose bodies end with a brace of its own line."""
    for match in _FUNCTION.finditer(script):
        closing = script.find("\n}", match.end())
        line = script.find("\n", match.end())
        one_liner = script[match.end() : line if line >= 0 else len(script)].rstrip().endswith("}")
        end = line if one_liner else closing
        yield _Function(
            match["name"] or match["plain"], match.end(), end if end >= 0 else len(script)
        )


def _lone_part(word: Word) -> Part | None:
    """What the word is made of, if that is one thing."""
    parts = [part for part in word.parts if part.kind is not Kind.TEXT or part.text]
    return parts[0] if len(parts) == 1 else None


def _marked(text: Text, mark: str) -> Text:
    return text.standing_for(mark)


def _distinct(texts: Sequence[Text]) -> list[Text]:
    return list({text.text: text for text in reversed(texts)}.values())[::-1]


def _place(word: str) -> str:
    """The folder that a word computes in one of the usual ways; empty if it does not."""
    if "$" not in word and "`" not in word:
        return ""
    if _TOP_LEVEL.search(word):
        rest = word[word.rfind(")") + 1 :].strip("\"'")
        return TOP + (rest if rest.startswith("/") else "")
    if _SCRIPTS_FOLDER.search(word) and _ITSELF.search(word):
        rest = word[_end_of_expansions(word) :].strip("\"'")
        inner = _ABOVE.search(word[: _end_of_expansions(word)])
        nested = "/.." * (len(re.findall(r"dirname", word)) - 1)
        return HERE + nested + (inner[0] if inner else "") + (rest if rest.startswith("/") else "")
    if re.fullmatch(r"""["']?(?:\$\(pwd\)|`pwd`)["']?""", word):
        return "."
    return ""


def _end_of_expansions(word: str) -> int:
    return max(word.rfind(")"), word.rfind("}"), word.rfind("`")) + 1
