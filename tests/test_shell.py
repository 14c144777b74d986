"""Shell scripts: their commands, what joins them, and what they are made of."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bench import shell_agreement
from stagelint.registry import Registry
from stagelint.syntax import parse, shell
from stagelint.syntax.shell import Command, Kind, Part, Word

FIXTURES = Path(__file__).parent.parent / "fixtures"

PIECES = st.sampled_from([
    "a", "b=", "x=(", "x[1]=", "$x", "${x:-", "${x#", "${#x}", "}", "$(", "$((", "((", "))", ")", "(",
    "`", "'", '"', "$'", "$[", "]", "<(", ">", "<<E", "<<-'E'", "\nE\n", "2>&1", "&>", "<<<", "&&",
    ";", ";;", "&", "|", "||", "|&", " if ", " then ", " else ", " fi ", " for x in ", " do ",
    " done ", " case x in ", " esac ", " { ", " } ", " f() ", " function f ", " [[ ", " =~ ", " ]] ",
    " ! ", " time ", "\\\n", "\n", "\r\n", " ", "\t", "\\", "#", "*(", "\xa0", "\x0b", "é", "\udcff",
])  # fmt: skip
SCRIPTS = st.one_of(
    st.text(alphabet="a \n\t\"'\\$`(){}<>|&;#=+:-[]@*!", max_size=60),
    st.lists(PIECES, max_size=40).map("".join),
)


def texts(script: str) -> list[tuple[str, ...]]:
    """The words of each command as they are written."""
    return [
        tuple(script[word.start : word.end] for word in each.words)
        for each in shell.commands(script)
    ]


def only(script: str) -> Command:
    (command,) = shell.commands(script)
    return command


# -- any text ------------------------------------------------------------------------------------


def check_parts(script: str, parts: tuple[Part, ...], start: int, end: int) -> None:
    for part in parts:
        assert start <= part.start <= part.end <= end
        start = part.end
        check_parts(script, part.operand, part.start, part.end)
        if part.kind is Kind.TEXT:
            assert script[part.start : part.end] == part.text


@given(SCRIPTS)
@settings(max_examples=600, deadline=None)
@example("a\xa0b")
@example("case a in\n;<(b) <<E")
def test_any_script_can_be_read(script: str) -> None:
    for command in shell.commands(script):
        assert 0 <= command.start <= command.end <= len(script)
        end = command.start
        for word in command.words:
            assert end <= word.start <= word.end <= command.end
            end = word.end
            check_parts(script, word.parts, word.start, word.end)
        for assignment in command.assignments:
            assert command.start <= assignment.start <= assignment.end <= command.end
        for redirection in command.redirections:
            assert command.start <= redirection.start < redirection.end <= command.end
            if redirection.body:
                assert redirection.end <= redirection.body[0] <= redirection.body[1]
                assert redirection.body[1] <= len(script)


HOSTILE = [
    "$(", "${a:-", '"$(', "`", "a(", "<<E\n", "<<E ", "'", '"', "$((", "((", "x=(", "\\\n", "# ", ";",
    "{ ", "if a; then ", "case a in ", "f() ", "f() {", "a && b || ", "(a && b || ", "[[ a && \n",
    "[[ a\n", "for x\n", "*(", "x *(", "a[", "a[ ", "$[", "<(", "fi;", "! ", "$'", "${a#", "a ) ",
    "$(<<E\n", "${a:-\"", "declare x=(",
]  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
def test_reading_a_script_is_linear(piece: str) -> None:
    """By lines executed, which neither the machine nor its load changes."""

    def steps(count: int) -> int:
        script, lines = piece * count, 0

        def trace(frame: object, event: str, argument: object) -> object:
            nonlocal lines
            lines += event == "line"
            return trace

        sys.settrace(trace)  # type: ignore[arg-type]
        try:
            list(shell.commands(script))
        finally:
            sys.settrace(None)
        return lines

    assert steps(2000) < 2.6 * steps(1000)


@pytest.mark.slow
@pytest.mark.parametrize("piece", [*HOSTILE, "a", "\n", "(", "[[ &&\n", "x=a"])
def test_large_scripts_take_seconds(piece: str) -> None:
    """What expressions and copies take is not seen in lines."""
    start = time.process_time()
    list(shell.commands(piece * 100_000))

    assert time.process_time() - start < 30


# -- commands ------------------------------------------------------------------------------------


def test_commands_of_a_script() -> None:
    script = (
        "if a 'b c'; then X=1 sudo d \"$e f\" >out; fi # g\n"
        "h <<E | i\nnot a command\nE\n"
        "(cd j && k \\\n  l)\n"
        'm "$(n o)" `p`; q=(r s)\n'
    )

    found = [[word.literal for word in each.words] for each in shell.commands(script)]

    assert found == [
        ["a", "b c"], ["sudo", "d", None], ["h"], ["i"], ["cd", "j"], ["k", "l"],
        ["m", None, None], ["n", "o"], ["p"],
        [],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("a # b; c\nd#e", [("a",), ("d#e",)]),
        ("a && `# why` b", [("a",), ("`# why`", "b")]),
        ("a \"$(b ')' \")\" # c\n)\"", [("a", '"$(b \')\' ")" # c\n)"'), ("b", "')'", '")"')]),
        ("a $(case b in (c) d;; e|f) g; esac)", [
            ("a", "$(case b in (c) d;; e|f) g; esac)"), ("case", "b", "in"), ("d",), ("g",),
        ]),
        ("case a\nin b) c\n;;\nesac; d", [("case", "a", "in"), ("c",), ("d",)]),
        ("for a in b; do c; done", [("for", "a", "in", "b"), ("c",)]),
        ("for a do c; done", [("for", "a"), ("c",)]),
        ("for ((i=0; i<$n; i++)); do a; done", [("for", "((i=0; i<$n; i++))"), ("a",)]),
        ("while a; do b; done < <(c)", [("a",), ("b",), (), ("c",)]),
        ("a() { b; }; function c { d; }", [("a",), ("b",), ("c",), ("d",)]),
        ("[[ a && $b =~ ^(c|d e)$ ]] && f", [
            ("[[", "a", "&&", "$b", "=~", "^(c|d e)$", "]]"), ("f",),
        ]),
        ("((a < $(b) )) || c", [("((a < $(b) ))",), ("b",), ("c",)]),
        ("((a); b)", [("a",), ("b",)]),
        ("a $((1 + $(b))) $((c); d)", [("a", "$((1 + $(b)))", "$((c); d)"), ("b",), ("c",), ("d",)]),
        ("a {b,c}{1..3} !(d) }; { e; }", [("a", "{b,c}{1..3}", "!(d)", "}"), ("e",)]),
        ("! time -p a", [("a",)]),
        ("declare -a a=(b c) d", [("declare", "-a", "a=(b c)", "d")]),
        ("a $'b\\'c' $\"d\" '}'", [("a", "$'b\\'c'", '$"d"', "'}'")]),
        ("a <<E\n$(b) `c` \\$(d)\nE\ne <<'E'\n$(f)\nE", [("a",), ("b",), ("c",), ("e",)]),
        ("a \\\n\nb\r\nc \\\r\n d\r\n", [("a",), ("b",), ("c", "d")]),
        ("if a; then { b; fi; c", [("a",), ("b",), ("c",)]),
        ("a\xa0b \x0bc", [("a\xa0b", "\x0bc")]),
    ],
)  # fmt: skip
def test_commands(script: str, expected: list[tuple[str, ...]]) -> None:
    assert texts(script) == expected


def test_a_command_ends_with_its_last_word() -> None:
    script = "  >x a  b \\\n && c"

    assert [script[each.start : each.end] for each in shell.commands(script)] == [">x a  b", "c"]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("a && b || c | d |& e; f & g\n\nh", ["", "&&", "||", "|", "|&", ";", "&", "\n"]),
        ("\n\na &&\n# b\nc;\nd", ["", "&&", ";"]),
        ("a && (b; c) || { d; }", ["", "&&", ";", "||"]),
        ("if a\nthen b; c; else d; fi && e", ["", "", ";", "", "&&"]),
        ("a $(b; c); d", ["", "", ";", ";"]),
        ("case a in b) c;; *) d & e; esac | f", ["", "", "", "&", "|"]),
        ("f() {\n a\n}\nb", ["", "", "\n"]),
    ],
)
def test_what_joins_commands(script: str, expected: list[str]) -> None:
    assert [each.joined for each in shell.commands(script)] == expected


@pytest.mark.parametrize(
    ("script", "conditional"),
    [
        ("a && b; c | d & e", ""),
        ("[ a ] && b; c", "b"),
        ("[[ a ]] && b && c\nd", "bc"),
        ("((a)) && b\n", ""),
        ("a; test b && c # d\n", ""),
        ("[ a ] && b; [ c ] && d", "b"),
        ("if a && b; then c; fi; while d && e || f; do g; done", "bcefg"),
        ("a && [ b ] && c & d", "c"),
        ("if [ a ]; then b; fi && c; d", "b"),
        ("for x in 1 2; do [ a ] && b; done; c", "b"),
        ("(test a && b; c)", "b"),
        ("a || b", "b"),
        ("a || b && c", "b"),
        ("a && b || c; d", "bc"),
        ("a && b && c || d && e || f", "bcdef"),
        ("a || { b; c && d; }; e", "bcd"),
        ("a && (b; c) || d", "bcd"),
        ("if a; then b; elif c; then d; else e; fi; f", "bcde"),
        ("while a; do b; done; c", "b"),
        ("for x in 1 2; do a; done", ""),
        ("case x in x) a;; esac; b", "a"),
        ("f() { a; }; b", "a"),
        ("a || b $(c; d)\ne", "bcd"),
        ("a $(b || c)", "c"),
        ("if a; then b", "b"),
    ],
)
def test_what_may_be_left_out(script: str, conditional: str) -> None:
    found = "".join(
        each.words[0].literal or ""
        for each in shell.commands(script)
        if each.is_conditional and not each.compound
    )

    assert found == conditional


def test_compound_commands_are_told_apart() -> None:
    script = "f() { for a in b; do c; done >d; } 2>&1; case e in f) ;; esac; [[ g ]]; ((h)); (i) <j"

    assert [each.compound for each in shell.commands(script)] == [
        "function", "for", "", "done", "}", "case", "[[", "((", "", ")",
    ]  # fmt: skip


def test_depth() -> None:
    script = "a; (b; (c); d $(e `f`)); g"

    assert [each.depth for each in shell.commands(script)] == [0, 1, 2, 1, 2, 3, 0]


# -- redirections --------------------------------------------------------------------------------


def test_redirections() -> None:
    script = '>a b 2>>"c d" 3<&- c &>e {log}>|f <<<g < <(h)'

    command = next(shell.commands(script))

    assert [
        (each.descriptor, each.operator, each.target and script[each.target.start : each.target.end])
        for each in command.redirections
    ] == [
        ("", ">", "a"), ("2", ">>", '"c d"'), ("3", "<&", "-"), ("", "&>", "e"),
        ("{log}", ">|", "f"), ("", "<<<", "g"), ("", "<", "<(h)"),
    ]  # fmt: skip
    assert [script[each.start : each.end] for each in command.redirections][1] == '2>>"c d"'
    assert [word.literal for word in command.words] == ["b", "c"]


def test_here_documents() -> None:
    script = "a <<A 3<<-'B C' && b\nx\nA\n\ty\n\tB C\nc <<D\nopen"

    assert [
        script[slice(*each.body)]
        for command in shell.commands(script)
        for each in command.redirections
        if each.body
    ] == ["x\n", "\ty\n", "open"]
    assert texts(script) == [("a",), ("b",), ("c",)]


# -- words ---------------------------------------------------------------------------------------


def test_assignments() -> None:
    script = "a=1 b+='2 3' c=(d $e [f]=g) h[${#h[@]}]= i"

    command = only(script)

    assert [
        (each.name, script[each.start : each.end], each.is_added, each.is_array, len(each.words))
        for each in command.assignments
    ] == [
        ("a", "a=1", False, False, 1),
        ("b", "b+='2 3'", True, False, 1),
        ("c", "c=(d $e [f]=g)", False, True, 3),
        ("h[${#h[@]}]", "h[${#h[@]}]=", False, False, 1),
    ]


def shown(word: Word) -> list[tuple[str, str, str, str]]:
    return [
        (part.kind.value, part.text, part.operator, "".join(each.text for each in part.operand))
        for part in word.parts
        if part.kind is not Kind.TEXT or part.text
    ]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("a'b'\"c\"\\d", [("text", each, "", "") for each in "abcd"]),
        ("$a-$1$@", [
            ("variable", "a", "", ""), ("text", "-", "", ""), ("variable", "1", "", ""),
            ("variable", "@", "", ""),
        ]),
        ("${a:-b $c}", [("variable", "a", ":-", "b c")]),
        ("\"${a:-it's}\"", [("variable", "a", ":-", "it's")]),
        ("${a#*'}'}", [("variable", "a", "#*'}'", "*}")]),
        ("${a[@]}", [("variable", "a", "", "")]),
        ("${a[$i]}", [("variable", "a", "[$i]", "i]")]),
        ("${#a}", [("substitution", "${#a}", "", "a")]),
        ("${#}", [("variable", "#", "", "")]),
        ("$((a + $b))", [("substitution", "$((a + $b))", "", "b")]),
        ("$[1 + $b]", [("substitution", "$[1 + $b]", "", "b")]),
        ("$(a b)`c`<(d)", [("substitution", each, "", "") for each in ("a b", "c", "d")]),
        (r"$'a\'b\n'", [("text", each, "", "") for each in ("a", "'", "b", r"\n")]),
        ("\"a\\\"\\b\\$\"", [("text", each, "", "") for each in ("a", '"', r"\b", "$")]),
    ],
)  # fmt: skip
def test_parts_of_a_word(word: str, expected: list[tuple[str, str, str, str]]) -> None:
    command = next(shell.commands(f"x {word}"))

    assert len(command.words) == 2
    assert shown(command.words[1]) == expected


# -- another reader ------------------------------------------------------------------------------


def test_reads_as_tree_sitter_does() -> None:
    pytest.importorskip("tree_sitter_bash")
    registry = Registry()
    scripts = [
        script
        for rule in registry.load(registry.defaults)
        for example in rule.examples
        for script in shell_agreement.scripts(parse(example.text))
    ]
    scripts += [script for _, script in shell_agreement.scripts_below(str(FIXTURES))]
    count = 0

    for script in scripts:
        other = shell_agreement.theirs(script)
        if other is not None:
            count += 1
            assert shell_agreement.ours(script) == other[0], script

    assert count > 30
