"""Programs that differ from a given one in one small thing, as a mistake would."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple, cast

_OPPOSITES: dict[type[ast.AST], type[Any]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.Continue: ast.Break,
    ast.Break: ast.Continue,
}
_QUANTIFIERS = {"all": "any", "any": "all"}


class Mutant(NamedTuple):
    """A changed module, and what was changed."""

    tree: ast.Module
    line: int
    """1-based, in the original."""
    name: str
    """`FUNCTION: OLD -> NEW`; the second of the same name ends in ` #2`, and so on."""


class _Place(NamedTuple):
    """Where a node hangs: in a field of its parent, maybe in a list there."""

    parent: ast.AST
    field: str
    at: int | None
    scope: str

    def put(self, node: ast.AST) -> None:
        if self.at is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.at] = node


def mutants(text: str) -> Iterator[Mutant]:
    """Each mutant of the module *text*; the tree of one is good until the next is asked for."""
    tree = ast.parse(text)
    names: Counter[str] = Counter()
    for node, place in list(_places(tree, "module")):
        for variant in _variants(node):
            new = ast.fix_missing_locations(ast.copy_location(variant, node))
            name = f"{place.scope}: {_shown(node)} -> {_shown(new)}"
            names[name] += 1
            place.put(new)
            more = f" #{names[name]}" if names[name] > 1 else ""
            yield Mutant(tree, getattr(node, "lineno", 0), name + more)
            place.put(node)


def _places(parent: ast.AST, scope: str) -> Iterator[tuple[ast.AST, _Place]]:
    """Every node below *parent* that runs."""
    for field, value in ast.iter_fields(parent):
        many = isinstance(value, list)
        for at, node in enumerate(cast("list[object]", value) if many else [value]):
            if isinstance(node, ast.AST) and not _is_idle(node, field):
                yield node, _Place(parent, field, at if many else None, scope)
                is_scope = isinstance(node, ast.FunctionDef | ast.ClassDef)
                yield from _places(node, node.name if is_scope else scope)


def _is_idle(node: ast.AST, field: str) -> bool:
    """Is it an annotation, an import or a docstring?"""
    if field in ("annotation", "returns") or isinstance(node, ast.Import | ast.ImportFrom):
        return True
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return True
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _variants(node: ast.AST) -> Iterator[ast.AST]:
    yield from _of_expression(node) if isinstance(node, ast.expr) else _of_statement(node)


def _of_expression(node: ast.expr) -> Iterator[ast.AST]:
    match node:
        case ast.Constant(value=bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(value=int() as value):
            yield ast.Constant(value + 1)
        case ast.Constant(value=str() as value):
            yield ast.Constant(f"XX{value}")
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _OPPOSITES:
            yield ast.Compare(left, [_OPPOSITES[type(op)]()], [right])
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPPOSITES:
            yield ast.BinOp(left, _OPPOSITES[type(op)](), right)
        case ast.BoolOp(op=op, values=values):
            yield ast.BoolOp(_OPPOSITES[type(op)](), values)
            for rest in _without_one(values):
                yield ast.BoolOp(op, rest) if rest[1:] else rest[0]
        case ast.IfExp(body=body, orelse=other):
            yield from (body, other)
        case ast.Dict(keys=keys, values=values):
            for pairs in _without_one(list(zip(keys, values, strict=True))):
                yield ast.Dict([key for key, _ in pairs], [value for _, value in pairs])
        case ast.Slice(lower=lower, upper=upper) if lower or upper:
            yield ast.Slice()
        case ast.Call():
            yield from _of_call(node)
        case _:
            pass


def _of_call(node: ast.Call) -> Iterator[ast.AST]:
    """Without a keyword; not made, if there is one argument; of the other quantifier."""
    for rest in _without_one(node.keywords):
        yield ast.Call(node.func, node.args, rest)
    match node:
        case ast.Call(func=ast.Name(id=("all" | "any") as name)):
            yield ast.Call(ast.Name(_QUANTIFIERS[name], ast.Load()), node.args, [])
        case ast.Call(args=[argument], keywords=[]) if not isinstance(argument, ast.Starred):
            yield argument
        case _:
            pass


def _without_one(values: list[Any]) -> Iterator[list[Any]]:
    for at in range(len(values)):
        yield values[:at] + values[at + 1 :]


def _of_statement(node: ast.AST) -> Iterator[ast.AST]:
    nothing = ast.Constant(None)
    match node:
        case ast.If(body=body, orelse=other):
            yield from (ast.If(ast.Constant(value), body, other) for value in (False, True))
        case ast.While(body=body, orelse=other):
            yield ast.While(ast.Constant(False), body, other)
        case ast.For(target=target, body=body, orelse=other):
            yield ast.For(target, ast.Tuple([], ast.Load()), body, other)
        case ast.comprehension(target=target, iter=iterable, ifs=[_, *_]):
            yield ast.comprehension(target, iterable, [], 0)
        case ast.Return(value=ast.expr()):
            yield ast.Return(nothing)
        case ast.Assign(targets=targets, value=ast.expr() as value):
            if not isinstance(value, ast.Constant):
                yield ast.Assign(targets, nothing)
        case ast.AnnAssign(target=target, value=ast.expr()):
            yield ast.Assign([target], nothing)
        case ast.Expr() | ast.AugAssign() | ast.Raise():
            yield ast.Pass()
        case ast.Break() | ast.Continue():
            yield _OPPOSITES[type(node)]()
        case _:
            pass


def _shown(node: ast.AST) -> str:
    """The code of a node on one line; of what has a body, the head alone."""
    if isinstance(node, ast.If | ast.While):
        return f"{type(node).__name__.lower()} {ast.unparse(node.test)}"
    if isinstance(node, ast.For):
        return f"for {ast.unparse(node.target)} in {ast.unparse(node.iter)}"
    return " ".join(ast.unparse(node).split())
