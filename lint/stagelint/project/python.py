"""Python with the place of every word, read by libcst: calls, and what their arguments may be.

Starlark is read as well, whose grammar is a part of Python's. Nothing is run: known are texts that
stand in the file, names that are given such a text, and the usual ways to join texts and paths.
Raises `Broken` where a file cannot be read.
"""

from __future__ import annotations

import ast
import posixpath
import re
import warnings
from collections.abc import Iterator, Sequence
from itertools import product

import libcst as cst
from libcst.metadata import ByteSpanPositionProvider, MetadataWrapper

from stagelint.project import quoted
from stagelint.project.command import SEVERAL
from stagelint.project.paths import HERE
from stagelint.project.text import MOST, Piece, Text, combine, expand
from stagelint.project.yaml import Broken
from stagelint.source import Source, Span, byte_offsets
from stagelint.tuples import NamedTuple

#: Expressions are followed so deep.
_DEPTH = 40
#: So many are looked into for one argument.
_STEPS = 2000
#: A text that is put together is so long; longer ones are not known.
_LENGTH = 1 << 16
#: A command has so many words; of longer lists nothing is known.
_MANY = 500
#: libcst needs the stack of the process for whatever nests, and ends the process without it.
_NESTING = 150
#: libcst takes seconds for longer files, which programs have written.
_LIMIT = 1 << 18

_FIELD = re.compile(r"\{[^{}]*\}")
_CONVERSION = re.compile(r"%(?:\(\w+\))?[sdr]")
#: Functions that give the path, or the text, that they are given.
_SAME = frozenset(
    "str Path PurePath pathlib.Path pathlib.PurePath os.fspath os.path.abspath os.path.realpath "
    "os.path.normpath os.path.expanduser abspath realpath normpath textwrap.dedent dedent".split()
)
_SAME_METHODS = frozenset(("resolve", "absolute", "as_posix", "strip", "expanduser"))
_ENVIRONMENT = re.compile(r"(?:^|\.)(?:environ\.get|getenv)$")


class _Binding(NamedTuple):
    """Something that a name is given; *value* is None if that is not known."""

    value: Expression | None
    is_added: bool = False
    is_entry: bool = False
    """Is it added to a list as a single entry?"""
    is_default: bool = False

    def at(self, depth: int) -> _Binding:
        """The same, when so many expressions have been looked into before."""
        return self._replace(value=self.value.at(depth)) if self.value else self


_Scope = dict[str, list[_Binding]]
#: A word of a command, by all that it may be.
_Words = list[Sequence[Text]]


class Call:
    """A call: *name* is what is called as it is written, `.build` for `what().ever.build`."""

    def __init__(
        self, node: cst.Call, module: Module, scopes: tuple[_Scope, ...], function: str
    ) -> None:
        self.name = _dotted(node.func)
        self.function = function
        """The function that it stands in; empty outside of any."""
        self._node = node
        self._module = module
        self._scopes = scopes

    @property
    def source(self) -> Source:
        return self._module.source

    @property
    def span(self) -> Span:
        return self._module.span(self._node)

    @property
    def receiver(self) -> Call | None:
        """The call on whose result it is called."""
        func = self._node.func
        if not isinstance(func, cst.Attribute) or not isinstance(func.value, cst.Call):
            return None
        return Call(func.value, self._module, self._scopes, self.function)

    def positional(self) -> list[Expression]:
        """The arguments without a name, up to the first `*many`."""
        found: list[Expression] = []
        for each in self._node.args:
            if each.star:
                break
            if each.keyword is None:
                found.append(self._expression(each.value))
        return found

    def keyword(self, *names: str) -> Expression | None:
        """The argument that has one of these names."""
        for each in self._node.args:
            if each.keyword is not None and each.keyword.value in names:
                return self._expression(each.value)
        return None

    def argument(self, at: int, *names: str) -> Expression | None:
        """The argument with one of these names, or the one at a position."""
        found = self.keyword(*names)
        positional = self.positional() if found is None else []
        return positional[at] if at < len(positional) else found

    @property
    def open(self) -> Text | None:
        """`**many`, which may have any names."""
        found = next((each for each in self._node.args if each.star == "**"), None)
        return self._module.unknown(found.value) if found else None

    def words(self) -> Iterator[list[Text]]:
        """The arguments without a name as the words of a command, for all that they may be."""
        found: _Words = []
        for each in self._node.args:
            if each.keyword is None and each.star != "**":
                expression = self._expression(each.value)
                found += expression.entries() if each.star else [expression.texts()]
        return _commands(found)

    def _expression(self, node: cst.BaseExpression) -> Expression:
        self._module.steps = 0
        return Expression(node, self._module, self._scopes)


class Expression:
    """What an argument is given."""

    def __init__(
        self, node: cst.BaseExpression, module: Module, scopes: tuple[_Scope, ...], depth: int = 0
    ) -> None:
        self._node = node
        self._module = module
        self._scopes = scopes
        self._depth = depth

    @property
    def whole(self) -> Text:
        """Its place, as a text that is not known."""
        return self._module.unknown(self._node)

    @property
    def is_none(self) -> bool:
        return isinstance(self._node, cst.Name) and self._node.value == "None"

    def at(self, depth: int) -> Expression:
        return Expression(self._node, self._module, self._scopes, depth)

    def _below(self, node: cst.BaseExpression) -> Expression:
        return Expression(node, self._module, self._scopes, self._depth + 1)

    def _bindings(self) -> Sequence[_Binding]:
        """What the name may be that it is; nothing if that is not known."""
        if isinstance(self._node, cst.Name) and self._module.may_go_on(self._depth):
            for scope in reversed(self._scopes):
                found = scope.get(self._node.value)
                if found is not None:
                    is_worth_it = len(found) <= MOST
                    return [each.at(self._depth + 1) for each in found] if is_worth_it else ()
        return ()

    # -- texts -----------------------------------------------------------------------------------

    def texts(self) -> list[Text]:
        """What it may be as a text, never nothing."""
        found = self._texts() if self._module.may_go_on(self._depth) else []
        if 0 < len(found) <= MOST and sum(len(each.text) for each in found) <= _LENGTH:
            return list({each.text: each for each in found}.values())
        return [self.whole]

    def _texts(self) -> list[Text]:
        node = self._node
        if isinstance(node, cst.SimpleString):
            return [quoted.python(self._module.text(node))]
        if isinstance(node, cst.ConcatenatedString):
            return self._joined(self._below(node.left), self._below(node.right))
        if isinstance(node, cst.FormattedString):
            is_raw = "r" in node.prefix.lower()
            return list(combine([self._part(each, is_raw) for each in node.parts], self.whole))
        if isinstance(node, cst.Name):
            return self._named()
        if isinstance(node, cst.BinaryOperation):
            return self._operation(node)
        if isinstance(node, cst.IfExp):
            return [*self._below(node.body).texts(), *self._below(node.orelse).texts()]
        if isinstance(node, cst.BooleanOperation) and isinstance(node.operator, cst.Or):
            left = [each for each in self._below(node.left).texts() if each.is_known]
            return left + [each.as_default() for each in self._below(node.right).texts()]
        if isinstance(node, cst.Call):
            return self._called(Call(node, self._module, self._scopes, ""), node)
        if isinstance(node, cst.Attribute) and node.attr.value == "parent":
            return self._joined(self._below(node.value), "/..")
        if isinstance(node, cst.Subscript):
            return self._above(node)
        return []

    def _joined(self, *parts: Expression | str) -> list[Text]:
        found: list[Sequence[Text]] = []
        for each in parts:
            if isinstance(each, str):
                found.append([self._module.constant(each, self._node)])
            else:
                found.append(each.texts())
        return list(combine(found, self.whole))

    def _part(self, part: cst.BaseFormattedStringContent, is_raw: bool) -> list[Text]:
        """A part of an f-string."""
        if isinstance(part, cst.FormattedStringText):
            text = quoted.undoubled(self._module.text(part))
            return [text if is_raw else quoted.unescaped(text)]
        if isinstance(part, cst.FormattedStringExpression) and not part.format_spec:
            return self._below(part.expression).texts()
        return [self._module.unknown(part)]

    def _named(self) -> list[Text]:
        if isinstance(self._node, cst.Name) and self._node.value == "__file__":
            name = posixpath.basename(self._module.path)
            return [self._module.constant(f"{HERE}/{name}", self._node)]
        bindings = self._bindings()
        each_may_be: list[list[Text]] = []
        for each in bindings:
            if each.value is None or each.is_entry:
                return []
            texts = each.value.texts()
            each_may_be.append([text.as_default() for text in texts] if each.is_default else texts)
        if any(each.is_added for each in bindings):
            return list(combine(each_may_be, self.whole))
        return [text for texts in each_may_be for text in texts]

    def _operation(self, node: cst.BinaryOperation) -> list[Text]:
        left, right = self._below(node.left), self._below(node.right)
        if isinstance(node.operator, cst.Add):
            return self._joined(left, right)
        if isinstance(node.operator, cst.Divide):
            return self._joined(left, "/", right)
        if isinstance(node.operator, cst.Modulo):
            return _filled(left.texts(), _CONVERSION)
        return []

    def _called(self, call: Call, node: cst.Call) -> list[Text]:
        arguments = [self._below(each.value) for each in node.args if not each.star]
        on = self._below(node.func.value) if isinstance(node.func, cst.Attribute) else None
        method = call.name.rpartition(".")[2]
        if _ENVIRONMENT.search(call.name):
            return [text.as_default() for each in arguments[1:2] for text in each.texts()]
        if call.name in _SAME and len(arguments) == 1:
            return arguments[0].texts()
        if call.name in ("os.getcwd", "Path.cwd", "pathlib.Path.cwd"):
            return self._joined(".")
        if method == "dirname" and len(arguments) == 1:
            return self._joined(arguments[0], "/..")
        if call.name in ("os.path.join", "path.join", "posixpath.join") and arguments:
            parts = [part for each in arguments for part in (each, "/")][:-1]
            return self._joined(*parts)
        if on is None:
            return []
        if method in _SAME_METHODS and not arguments:
            return on.texts()
        if method == "joinpath":
            return self._joined(on, *(part for each in arguments for part in ("/", each)))
        if method == "format":
            return _filled(on.texts(), _FIELD)
        if method == "join" and len(arguments) == 1 and " " in [each.text for each in on.texts()]:
            blank = [self._module.constant(" ", self._node)]
            words = arguments[0].entries()
            return list(combine([part for each in words for part in (each, blank)], self.whole))
        return []

    def _above(self, node: cst.Subscript) -> list[Text]:
        """`path.parents[1]`."""
        index = node.slice[0].slice
        if (
            isinstance(node.value, cst.Attribute)
            and node.value.attr.value == "parents"
            and isinstance(index, cst.Index)
            and isinstance(index.value, cst.Integer)
        ):
            levels = int(index.value.value, 0) if len(index.value.value) < 3 else _DEPTH
            return self._joined(self._below(node.value.value), "/.." * (levels + 1))
        return []

    # -- lists and tables ------------------------------------------------------------------------

    def words(self) -> Iterator[list[Text]]:
        """The entries of a list as the words of a command, for all that they may be."""
        return _commands(self.entries())

    def entries(self) -> _Words:
        """The entries of a list, each by all that it may be; what may be several is marked so."""
        if not self._module.may_go_on(self._depth):
            return [self._several()]
        found = self._entries()
        return found if len(found) <= _MANY else [self._several()]

    def _entries(self) -> _Words:
        node = self._node
        found: _Words = []
        if isinstance(node, cst.List | cst.Tuple):
            for each in node.elements[: _MANY + 1]:
                below = self._below(each.value)
                is_one = isinstance(each, cst.Element)
                found += [below.texts()] if is_one else below.entries()
            return found
        if isinstance(node, cst.BinaryOperation) and isinstance(node.operator, cst.Add):
            return self._below(node.left).entries() + self._below(node.right).entries()
        if isinstance(node, cst.IfExp):  # as if both were there: options of both count
            return self._below(node.body).entries() + self._below(node.orelse).entries()
        if isinstance(node, cst.Call):
            return self._split(node)
        for binding in self._bindings():
            if binding.value is None:
                return [self._several()]
            value = binding.value
            found += [value.texts()] if binding.is_entry else value.entries()
            if len(found) > _MANY:
                break
        return found or [self._several()]

    def _split(self, node: cst.Call) -> _Words:
        """`shlex.split("docker build .")`, `"docker build .".split()`, `list(words)`."""
        name = _dotted(node.func)
        texts: list[Text] = []
        if name in ("shlex.split", "split") and node.args:
            texts = self._below(node.args[0].value).texts()
        elif name.endswith(".split") and not node.args and isinstance(node.func, cst.Attribute):
            texts = self._below(node.func.value).texts()
        elif name in ("list", "tuple") and len(node.args) == 1:
            return self._below(node.args[0].value).entries()
        return [[word] for word in texts[0].split()] if len(texts) == 1 else [self._several()]

    @property
    def is_list(self) -> bool:
        """Is it a list, or a name or a sum of lists?"""
        node = self._node
        if isinstance(node, cst.List | cst.Tuple):
            return True
        if isinstance(node, cst.Call):
            return _dotted(node.func).rpartition(".")[2] in ("split", "list", "tuple")
        if isinstance(node, cst.BinaryOperation) and self._module.may_go_on(self._depth):
            return self._below(node.left).is_list or self._below(node.right).is_list
        return any(each.value.is_list for each in self._bindings()[:1] if each.value)

    def names(self) -> list[Text]:
        """The keys of a table, as far as they can be told."""
        node = self._node
        if isinstance(node, cst.Dict):
            keys = [each.key for each in node.elements if isinstance(each, cst.DictElement)]
            return [text for key in keys for text in self._below(key).texts()]
        if isinstance(node, cst.Call) and _dotted(node.func) == "dict":
            names = [each.keyword for each in node.args if each.keyword is not None]
            return [self._module.text(name) for name in names]
        return [key for each in self._bindings() if each.value for key in each.value.names()]

    def _several(self) -> Sequence[Text]:
        return [Text([Piece(SEVERAL, self._module.source, self._module.span(self._node))])]


def _commands(words: _Words) -> Iterator[list[Text]]:
    """One command for every combination of what its words may be."""
    count = 1
    for each in words:
        count *= len(each)
    if count > MOST:
        words = [each if len(each) == 1 else [each[0].as_unknown()] for each in words]
    return map(list, product(*words))


def _filled(texts: Sequence[Text], pattern: re.Pattern[str]) -> list[Text]:
    """Texts with fields, whose values are not known."""
    return [
        filled
        for text in texts
        for filled in expand(text, pattern, lambda _, whole: [whole.as_unknown()])
    ]


def _dotted(node: cst.BaseExpression) -> str:
    names: list[str] = []
    while isinstance(node, cst.Attribute):
        names.append(node.attr.value)
        node = node.value
    names.append(node.value if isinstance(node, cst.Name) else "")
    return ".".join(reversed(names))


# -- files ---------------------------------------------------------------------------------------


class Module:
    """A file: its calls in the order in which they stand there."""

    def __init__(self, source: Source, path: str) -> None:
        self.source = source
        self.path = path
        self.steps = 0
        """How many expressions have been looked into for an argument."""
        self._offset = 1 if source.text.startswith("\ufeff") else 0
        text = source.text[self._offset :]
        tree = _parsed(text)
        walk = _Walk(self)
        tree.visit(walk)
        self.calls: list[Call] = walk.calls
        self.imports: frozenset[str] = frozenset(walk.imports)
        """The first names of the modules it imports."""
        wrapper = MetadataWrapper(tree, unsafe_skip_copy=True)
        self._places = wrapper.resolve(ByteSpanPositionProvider)
        self._at = byte_offsets(text)

    def span(self, node: cst.CSTNode) -> Span:
        place = self._places[node]
        start, end = self._at(place.start), self._at(place.start + place.length)
        return Span(start + self._offset, end + self._offset)

    def may_go_on(self, depth: int) -> bool:
        """Is an expression worth to be looked into that is met on the way?"""
        self.steps += 1
        return depth < _DEPTH and self.steps < _STEPS

    def text(self, node: cst.CSTNode) -> Text:
        """A node as it is written."""
        return Text.of(self.source, self.span(node))

    def unknown(self, node: cst.CSTNode) -> Text:
        return Text.unknown(self.source, self.span(node))

    def constant(self, text: str, node: cst.CSTNode) -> Text:
        """What *node* stands for, but does not have written."""
        return Text([Piece(text, self.source, self.span(node))])


def _parsed(text: str) -> cst.Module:
    if len(text) > _LIMIT:
        raise Broken(f"is longer than {_LIMIT >> 10} KiB")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes that are none
            _check_nesting(ast.parse(text))
        return cst.parse_module(text)
    except SyntaxError as error:
        raise Broken(f"line {error.lineno}: {error.msg.lower()}") from None
    except cst.ParserSyntaxError as error:
        raise Broken(f"line {error.raw_line}: is not python") from None
    except (RecursionError, MemoryError):
        raise Broken("is nested too deeply") from None
    except ValueError:
        raise Broken("is not UTF-8") from None


def _check_nesting(tree: ast.AST) -> None:
    stack = [(tree, 0)]
    while stack:
        node, depth = stack.pop()
        if isinstance(node, ast.BoolOp):  # libcst has a node for every operator
            depth += len(node.values)
        if depth > _NESTING:
            raise Broken("is nested too deeply")
        stack += ((each, depth + 1) for each in ast.iter_child_nodes(node))


class _Walk(cst.CSTVisitor):
    """Collects the calls of a module, and what its names are given, by function."""

    def __init__(self, module: Module) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self.imports: set[str] = set()
        self._module = module
        self._scopes: tuple[_Scope, ...] = ({},)
        self._functions = [""]

    def _bind(
        self,
        target: cst.CSTNode,
        value: cst.BaseExpression | None,
        *,
        is_added: bool = False,
        is_entry: bool = False,
        is_default: bool = False,
    ) -> None:
        if isinstance(target, cst.Name):
            given = None if value is None else Expression(value, self._module, self._scopes)
            known = self._scopes[-1].setdefault(target.value, [])
            known.append(_Binding(given, is_added, is_entry, is_default))
        elif isinstance(target, cst.Tuple | cst.List):
            for each in target.elements:
                self._bind(each.value, None)

    def visit_Call(self, node: cst.Call) -> None:
        call = Call(node, self._module, self._scopes, self._functions[-1])
        self.calls.append(call)
        func = node.func
        if not isinstance(func, cst.Attribute) or not isinstance(func.value, cst.Name):
            return
        is_entry = func.attr.value in ("append", "insert")
        is_known = func.value.value in self._scopes[-1]
        if (is_entry or func.attr.value == "extend") and node.args and is_known:
            value = node.args[-1].value
            self._bind(func.value, value, is_added=True, is_entry=is_entry)

    def visit_Assign(self, node: cst.Assign) -> None:
        for each in node.targets:
            self._bind(each.target, node.value)

    def visit_AnnAssign(self, node: cst.AnnAssign) -> None:
        if node.value is not None:
            self._bind(node.target, node.value)

    def visit_AugAssign(self, node: cst.AugAssign) -> None:
        is_added = isinstance(node.operator, cst.AddAssign)
        self._bind(node.target, node.value if is_added else None, is_added=is_added)

    def visit_NamedExpr(self, node: cst.NamedExpr) -> None:
        self._bind(node.target, node.value)

    def visit_For(self, node: cst.For) -> None:
        self._loop(node.target, node.iter)

    def visit_CompFor(self, node: cst.CompFor) -> None:
        self._loop(node.target, node.iter)

    def _loop(self, target: cst.CSTNode, values: cst.BaseExpression) -> None:
        if isinstance(values, cst.List | cst.Tuple) and isinstance(target, cst.Name):
            for each in values.elements:
                is_one = isinstance(each, cst.Element)
                self._bind(target, each.value if is_one else None)
        else:
            self._bind(target, None)

    def visit_AsName(self, node: cst.AsName) -> None:
        self._bind(node.name, None)

    def visit_ImportAlias(self, node: cst.ImportAlias) -> None:
        if node.asname is None:
            self._bind(node.name, None)

    def visit_Import(self, node: cst.Import) -> None:
        self.imports.update(_dotted(each.name).split(".")[0] for each in node.names)

    def visit_ImportFrom(self, node: cst.ImportFrom) -> None:
        if node.module is not None:
            self.imports.add(_dotted(node.module).split(".")[0])

    def visit_Global(self, node: cst.Global) -> None:
        self._share(node.names)

    def visit_Nonlocal(self, node: cst.Nonlocal) -> None:
        self._share(node.names)

    def _share(self, names: Sequence[cst.NameItem]) -> None:
        """Somebody else may give the names anything."""
        for each in names:
            for scope in self._scopes:
                scope.setdefault(each.name.value, []).append(_Binding(None))

    def visit_MatchAs(self, node: cst.MatchAs) -> None:
        if node.name is not None:
            self._bind(node.name, None)

    def visit_ClassDef(self, node: cst.ClassDef) -> None:
        self._bind(node.name, None)
        self._scopes += ({},)

    def leave_ClassDef(self, original_node: cst.ClassDef) -> None:
        self._scopes = self._scopes[:-1]

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        self._bind(node.name, None)
        self._scopes += ({},)
        self._functions.append(node.name.value)

    def leave_FunctionDef(self, original_node: cst.FunctionDef) -> None:
        self._scopes = self._scopes[:-1]
        self._functions.pop()

    def visit_Lambda(self, node: cst.Lambda) -> None:
        self._scopes += ({},)

    def leave_Lambda(self, original_node: cst.Lambda) -> None:
        self._scopes = self._scopes[:-1]

    def visit_Param(self, node: cst.Param) -> None:
        self._bind(node.name, node.default, is_default=True)
