"""The formats for other programs, read as these read them, and what hostile text may do: nothing."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import junitparser
import pytest
import xmlschema
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import FormatChecker
from jsonschema.protocols import Validator
from jsonschema.validators import validator_for
from markdown_it import MarkdownIt
from markdown_it.token import Token

from stagelint.config import FORMATS
from stagelint.edit import Edit, Fix, Guarantee, apply
from stagelint.fingerprints import fingerprints, relative
from stagelint.model.roles import Role
from stagelint.registry import Registry
from stagelint.report import azure, github, interchange, markdown, sarif
from stagelint.report.interchange import Run
from stagelint.rule import Finding, Related, Rule, Severity
from stagelint.source import Source, Span

ROOT = Path(__file__).parent.parent
SCHEMAS = Path(__file__).parent / "data" / "schemas"
OWN = [form for form in FORMATS if form not in ("text", "concise", "json", "json-lines")]
JSON = ["sarif", "gitlab", "rdjson", "sonarqube", "hadolint-json"]

each_format = pytest.mark.parametrize("form", OWN)
each_json = pytest.mark.parametrize("form", JSON)

TEXT = "FROM golang AS büild\nRUN echo 😀 \\\n  é\n\nFROM scratch\nCOPY --from=0 /a /b\n"

#: What ends, begins or hides something in one format or another.
HOSTILE = [
    "::error::x",
    "\n::error::x",
    "a\r\n::add-mask::x",
    "\u2028::error::x",
    "##[error]x",
    "#" * 3 + "[group]x",
    "##vso[task.setvariable variable=PATH]x",
    "a;type=error;]\n##vso[task.complete result=Failed;]x",
    "%0A::error::x",
    "a%3Bb%5Dc%25d%AZP25e%",
    "a,title=b::c",
    "]]>",
    "</failure></testcase><testcase name='x'/>",
    "\"/><error line='1'/><a b=\"",
    "&lt;x&gt;&amp;&#60;x/>",
    "<!-- x",
    "<script>x</script>",
    "[x](http://evil.example)",
    "![x](http://evil.example)",
    "[x](1)",
    "\\[x](1) ](",
    "<http://evil.example>",
    "http://evil.example/x",
    "www.evil.example",
    "WWW.evil.example",
    "evil.example",
    "x@evil.example",
    "@everyone",
    "&#64;everyone",
    "#1 *x* _x_ ~~x~~ **x** | x |",
    "`",
    "``",
    "`a`http://evil.example",
    "`a`b`http://evil.example",
    "`a`b``c http://evil.example `",
    "\\`a` http://evil.example",
    "\\|\\\\|",
    "- x",
    "# x",
    "{0} {{x}} ${x}",
    "\x00\x07\x1b[31m\x9b2J",
    "\u202e\u2066\u200b\ufeff",
    "\udcff\udc80",
    "\ufffe\uffff",
    "é😀𐐀",
    "\t x ",
    " ",
    "",
]


def rule(code: str) -> type[Rule] | None:
    return next(iter(Registry().load([code])), None)


def found(
    *,
    text: str = TEXT,
    words: str = "0",
    span: Span | None = None,
    path: str = "Dockerfile",
    code: str = "SL102",
    name: str = "numeric-stage-reference",
    severity: Severity = Severity.WARNING,
    message: str = "stage 0 is referred to by its number",
    why: str = "Numbers move.",
    note: str = "",
    fix: Fix | None = None,
    stage: str | None = None,
    related: tuple[Related, ...] = (),
) -> Finding:
    source = Source(path, text)
    at = text.find(words)
    place = span or Span(at, at + len(words))
    role = Role.SHIPPED if stage else None
    return Finding(
        code, name, severity, source, place, message, why, fix, note, stage, role, related
    )


def renaming() -> Fix:
    """Two edits in far lines, the second given first."""
    name, number = TEXT.index("büild"), TEXT.index("=0") + 1
    edits = (Edit(Span(number, number + 1), "wörk😀"), Edit(Span(name, name + 5), "wörk😀"))
    return Fix("Rename the stage", edits)


def rich() -> list[Finding]:
    """Findings of all severities, in several files, with all that a finding may have."""
    compose = Source("deploy/compose é.yaml", "services:\n  app: 😀 build\n")
    at = compose.text.index("build")
    return [
        found(
            fix=renaming(),
            note="mind the gap",
            stage="stage-1",
            related=(Related(compose, Span(at, at + 5), "asked for here"),),
        ),
        found(words="é", severity=Severity.ERROR, code="SL213", name="secret-reaches-image"),
        found(
            words="RUN echo 😀 \\\n  é\n", severity=Severity.INFO, code="SC2086", name="", why=""
        ),
        found(path="sub/Dockerfile", span=Span(len(TEXT), len(TEXT)), severity=Severity.STYLE),
        found(text="", words="", path="missing", code="SL002", name="unreadable-file"),
        found(path="-", code="XX1", name="of-a-plugin", fix=Fix("No", (), Guarantee.BEHAVIOUR)),
    ]


def hostile(text: str) -> list[Finding]:
    """A finding in which all that may stem from a file is *text*."""
    path = text.replace("\0", "") or "x"
    source = Source(path, f"{text}\nFROM a AS b\n")
    edit = Edit(Span(0, len(text)), text)
    return [
        found(
            text=source.text,
            words="FROM",
            path=path,
            message=f"stage `{text}` is {text}",
            why=text,
            note=text,
            fix=Fix(f"Rename `{text}` to {text}", (edit,)),
            stage=text,
            related=(Related(source, Span(0, len(text)), text),),
        ),
        found(path=path, code="SC2086", name=text or "x", message=text, why=text),
    ]


def render(form: str, findings: Sequence[Finding], root: str = "") -> str:
    module = import_module(f"stagelint.report.{form.replace('-', '_')}")
    run = Run(findings, rule, root or os.getcwd())
    return "".join(f"{line}\n" for line in module.render(run))


def read(form: str, findings: Sequence[Finding], root: str = "") -> Any:
    """The document, checked against the schema of its format."""
    text = render(form, findings, root)
    document = json.loads(text)
    validator(form).validate(document)  # pyright: ignore[reportUnknownMemberType]
    assert text.isascii()
    json.dumps(document, ensure_ascii=False).encode("utf-8")  # raises if a surrogate is alone
    return document


def validator(form: str) -> Validator:
    name = {"sarif": "sarif-2.1.0", "hadolint-json": "hadolint"}.get(form, form)
    schema = json.loads((SCHEMAS / f"{name}.json").read_text("utf-8"))
    return validator_for(schema)(schema, format_checker=FormatChecker())


# -- all of them -----------------------------------------------------------------------------------


@each_json
@pytest.mark.parametrize("findings", [[], rich()], ids=["nothing", "rich"])
def test_json_obeys_its_schema(form: str, findings: list[Finding]) -> None:
    read(form, findings)


@each_json
@pytest.mark.parametrize("text", HOSTILE)
def test_json_obeys_its_schema_whatever_the_text(form: str, text: str) -> None:
    read(form, hostile(text))


@each_format
def test_a_format_says_the_same_of_the_same(form: str) -> None:
    assert render(form, rich()) == render(form, rich())


@each_format
def test_a_format_is_imported_alone(form: str, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(TEXT, "utf-8")
    code = (
        "import sys\n"
        "from stagelint.cli import main\n"
        f"main(['--output-format', '{form}', 'Dockerfile'])\n"
        "print('\\n' + ' '.join(sorted(name for name in sys.modules if 'stagelint.report.' in name)))"
    )
    modules = set(run_python(code, tmp_path).splitlines()[-1].split())
    shared = {"interchange", "terminal", "parts", "summary", "xml_text", form.replace("-", "_")}

    assert modules <= {f"stagelint.report.{name}" for name in shared}


def test_a_plain_run_imports_none_of_them(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(TEXT, "utf-8")
    code = (
        "import sys\n"
        "from stagelint.cli import main\n"
        "main(['Dockerfile'])\n"
        "print('\\n' + ' '.join(name for name in sys.modules if name.startswith('stagelint')))"
    )
    modules = run_python(code, tmp_path).splitlines()[-1].split()
    own = {f"stagelint.report.{form.replace('-', '_')}" for form in OWN}

    assert not own & set(modules)
    assert not {"stagelint.outputs", "stagelint.report.interchange"} & set(modules)


def run_python(code: str, folder: Path) -> str:
    paths = os.pathsep.join(str(ROOT / part) for part in ("lint", "rules"))
    environ = {**os.environ, "PYTHONPATH": paths}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environ, capture_output=True, check=False
    )
    return done.stdout.decode("utf-8")


def test_paths_are_seen_from_the_folder(tmp_path: Path) -> None:
    inside = os.path.join("a", "b", "Dockerfile")

    assert relative(os.path.join(os.curdir, inside)) == "a/b/Dockerfile"
    assert relative(os.path.abspath(inside)) == "a/b/Dockerfile"
    assert relative(str(tmp_path / "x"), str(tmp_path / "y")) == "../x"
    assert relative("") == relative("-") == "-"


def test_fingerprints_stay_while_lines_move_and_texts_are_indented() -> None:
    text = "FROM a AS b\nRUN x\nRUN x\n"
    moved = "# new\n\nFROM a AS b\nRUN  x\n\tRUN x\n"
    twice = [Span(match.start(), match.end()) for match in re.finditer("RUN +x", text)]
    again = [Span(match.start(), match.end()) for match in re.finditer("RUN +x", moved)]
    before = fingerprints([found(text=text, span=span) for span in twice])
    after = fingerprints([found(text=moved, span=span) for span in again])

    assert before == after
    assert len({*before}) == 2
    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in before)


@pytest.mark.parametrize(
    "other",
    [
        found(path="other/Dockerfile"),
        found(code="SL101"),
        found(stage="named"),
        found(words="golang"),
    ],
    ids=["path", "code", "stage", "line"],
)
def test_fingerprints_tell_apart(other: Finding) -> None:
    one, two = fingerprints([found(), other])

    assert one != two


def test_fingerprints_forget_the_numbers_of_unnamed_stages_and_the_message() -> None:
    (one,) = fingerprints([found(stage="stage-1", message="see line 3")])
    (two,) = fingerprints([found(stage="stage-2", message="see line 4")])

    assert one == two


# -- fixes are applied as their readers apply them -------------------------------------------------


def fixed(finding: Finding) -> str:
    assert finding.fix
    return apply(finding.source.text, [finding.fix])[0]


def test_sarif_fixes_do_what_the_fix_does() -> None:
    finding = found(fix=renaming())
    (result,) = read("sarif", [finding])["runs"][0]["results"]
    (fix,) = result["fixes"]
    (change,) = fix["artifactChanges"]
    text = finding.source.text
    for replacement in reversed(change["replacements"]):
        region = replacement["deletedRegion"]
        start = utf16_offset(text, region["startLine"], region["startColumn"])
        end = utf16_offset(text, region["endLine"], region["endColumn"])
        content = replacement.get("insertedContent", {"text": ""})["text"]
        text = text[:start] + content + text[end:]

    assert text == fixed(finding)
    assert fix["description"]["text"] == "Rename the stage (same-build)"


def utf16_offset(text: str, line: int, column: int) -> int:
    start = line_start(text, line)
    before = text[start:].encode("utf-16-le")[: 2 * (column - 1)]
    return start + len(before.decode("utf-16-le"))


def line_start(text: str, line: int) -> int:
    return sum(len(each) for each in text.splitlines(keepends=True)[: line - 1])


def test_rdjson_suggests_the_whole_fix_at_once() -> None:
    finding = found(fix=renaming())
    (diagnostic,) = read("rdjson", [finding])["diagnostics"]
    (suggestion,) = diagnostic["suggestions"]
    data = finding.source.to_bytes()
    start, end = (byte_offset(data, suggestion["range"][side]) for side in ("start", "end"))

    assert (data[:start] + suggestion["text"].encode() + data[end:]).decode() == fixed(finding)


def byte_offset(data: bytes, position: dict[str, int]) -> int:
    lines = data.split(b"\n")[: position["line"] - 1]
    return sum(len(line) + 1 for line in lines) + position["column"] - 1


@pytest.mark.parametrize("form", ["sarif", "rdjson"])
def test_a_fix_that_is_not_utf_8_is_left_out(form: str) -> None:
    text = "FROM a\udcff\nFROM b\n"
    bad = found(text=text, words="b", fix=Fix("x", (Edit(Span(0, 1), "\udcff"),)))
    across = Fix("x", (Edit(Span(0, 1), "f"), Edit(Span(14, 15), "c")))

    assert "insertedContent" not in render(form, [bad])
    assert "suggestions" not in render(form, [bad])
    assert "suggestions" not in render("rdjson", [found(text=text, words="b", fix=across)])


# -- sarif -----------------------------------------------------------------------------------------

LINES = [
    "e9496ae3ebfced30:1",
    "fb7c023a8b9ccb3f:1",
    "ce8ba1a563dcdaca:1",
    "e20e36e16fcb0cc8:1",
    "b3edc88f2938467e:1",
    "c8e28b0b4002a3a0:1",
    "c129715d7a2bc9a3:1",
]


@pytest.mark.parametrize(
    ("text", "hashes"),
    [
        ("", ["c129715d7a2bc9a3:1"]),
        (
            " a\nb\n  \t\tc\n d",
            ["271789c17abda88f:1", "54703d4cd895b18:1", "180aee12dab6264:1", "a23a3dc5e078b07b:1"],
        ),
        (" hello; \t\nworld!!!\n\n\n  \t\tGreetings\n End\n", LINES),
        (" hello; \t\nworld!!!\r\r\r  \t\tGreetings\r End\r", LINES),
        (" hello; \t\r\nworld!!!\r\n\r\n\r\n  \t\tGreetings\r\n End\r\n", LINES),
        (" hello; \t\nworld!!!\r\n\n\r  \t\tGreetings\r End\r\n", LINES),
    ],
)
def test_line_hashes_are_those_of_codeql_action(text: str, hashes: list[str]) -> None:
    """The numbers are observed: github/codeql-action, src/fingerprints.test.ts."""
    assert sarif.line_hashes(Source("x", text)) == hashes


def test_line_hashes_count_the_same_lines() -> None:
    hashes = sarif.line_hashes(Source("x", "Lorem ipsum dolor sit amet.\n" * 10))

    assert hashes[:7] == [*(f"a7f2ff13bc495cf2:{n}" for n in range(1, 7)), "a7f2ff1481e87703:1"]
    assert hashes[-2:] == ["cc97dc7b1d7d8f7b:1", "c129715d7a2bc9a3:1"]


@given(st.text(alphabet="ab \t\r\n😀é\udcff"))
def test_line_hashes_are_what_a_rolling_window_gives(text: str) -> None:
    assert sarif.line_hashes(Source("x", text)) == list(rolling(text))


def rolling(text: str) -> Iterator[str]:
    """The hashes as the action words them: character by character, through a window of 100."""
    data = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace").encode("utf-16-le")
    kept: list[int] = []
    starts: list[int] = []
    after_cr, line_starts = False, True
    for low, high in [*zip(data[::2], data[1::2], strict=True), (255, 255)]:
        unit = low | high << 8
        if unit in (32, 9) or (after_cr and unit == 10):
            after_cr = False
            continue
        after_cr = unit == 13
        unit = 10 if after_cr else unit
        if line_starts:
            starts.append(len(kept))
        line_starts = unit == 10
        kept.append(unit)
    kept += [0] * 100
    seen: list[int] = []
    for start in starts:
        value = 0
        for unit in kept[start : start + 100]:
            value = (value * 37 + unit) % 2**64
        seen.append(value)
        yield f"{value:x}:{seen.count(value)}"


def test_sarif_has_what_github_asks_for() -> None:
    (run,) = read("sarif", rich())["runs"]
    rules = run["tool"]["driver"]["rules"]

    assert run["automationDetails"]["id"] == "stagelint/"
    assert run["columnKind"] == "utf16CodeUnits"
    assert run["originalUriBaseIds"]["%SRCROOT%"]["uri"].endswith("/")
    assert [each["id"] for each in rules] == ["SC2086", "SL002", "SL102", "SL213", "XX1"]
    for each in rules:
        assert 0 < len(each["shortDescription"]["text"]) <= 1024
        assert 0 < len(each["fullDescription"]["text"]) <= 1024
        assert each["help"]["text"]
        assert each["help"]["markdown"]
        assert 0 < len(each.get("name", "x")) <= 255
        assert 0 < len(each["properties"]["tags"]) <= 10
        assert each["properties"]["precision"] in ("very-high", "high", "medium", "low")
        assert each["properties"]["problem.severity"] in ("error", "warning", "recommendation")
        assert ("security-severity" in each["properties"]) == (each["id"] == "SL213")
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert re.fullmatch(
            "[0-9a-f]{1,16}:[0-9]+", result["partialFingerprints"]["primaryLocationLineHash"]
        )
    assert 0 < float(rules[3]["properties"]["security-severity"]) <= 10
    assert rules[3]["properties"]["tags"] == ["dockerfile", "security"]
    assert not re.search(r'\s""', render("sarif", rich()))  # an empty string


def test_only_rules_about_secrets_are_rated_as_security() -> None:
    registry = Registry()
    rated = [each for each in registry.load(registry.expand(["ALL"])) if each.security_severity]

    assert all("secret" in each.name() for each in rated)
    assert all(0 < float(each.security_severity) <= 10 for each in rated)


def test_sarif_places() -> None:
    (run,) = read("sarif", rich())["runs"]
    first, second, third, *_ = run["results"]
    places = [each["locations"][0]["physicalLocation"] for each in (first, second, third)]
    (related,) = first["relatedLocations"]

    assert places[1]["region"] == {"startLine": 3, "startColumn": 3, "endLine": 3, "endColumn": 4}
    assert places[2]["region"] == {"startLine": 2, "startColumn": 1, "endLine": 3, "endColumn": 4}
    assert places[0]["artifactLocation"] == {"uri": "Dockerfile", "uriBaseId": "%SRCROOT%"}
    assert related["id"] == 1
    assert related["message"]["text"] == "asked for here"
    assert related["physicalLocation"] == {
        "artifactLocation": {"uri": "deploy/compose%20%C3%A9.yaml", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 2, "startColumn": 11, "endLine": 2, "endColumn": 16},
    }


def test_sarif_names_files_elsewhere_by_absolute_uris(tmp_path: Path) -> None:
    (run,) = read("sarif", [found(path=str(tmp_path / "a b"))], str(tmp_path / "repo"))["runs"]
    (result,) = run["results"]
    location = result["locations"][0]["physicalLocation"]["artifactLocation"]

    assert location == {"uri": (tmp_path / "a b").as_uri()}


def test_sarif_keeps_the_worst_of_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sarif, "MAX_RESULTS", 2)
    (run,) = read("sarif", rich())["runs"]

    assert [each["level"] for each in run["results"]] == ["error", "warning"]


def test_what_is_very_long_has_no_hash_and_no_suggestion() -> None:
    text = "FROM a\n" + "#" * sarif.MAX_HASHED + "\nFROM b\n"
    ends = (Edit(Span(0, 1), "f"), Edit(Span(len(text) - 2, len(text) - 1), "c"))
    findings = [found(text=text, words="a", fix=Fix("x", ends))]
    (run,) = read("sarif", findings)["runs"]
    (diagnostic,) = read("rdjson", findings)["diagnostics"]

    assert "partialFingerprints" not in run["results"][0]
    assert "suggestions" not in diagnostic


def test_sarif_bounds_related_places() -> None:
    many = tuple(
        Related(Source("x", "x"), Span(0, 1), "here") for _ in range(sarif.MAX_RELATED + 1)
    )
    (run,) = read("sarif", [found(related=many)])["runs"]

    assert len(run["results"][0]["relatedLocations"]) == sarif.MAX_RELATED


@pytest.mark.parametrize("text", HOSTILE)
def test_sarif_messages_have_no_links(text: str) -> None:
    """A link is `[text](target)` whose brackets no backslash stands before (3.11.6)."""
    (run,) = read("sarif", hostile(text))["runs"]
    messages = [each["message"]["text"] for each in run["results"]]
    messages += [each["message"]["text"] for each in run["results"][0].get("relatedLocations", [])]

    for message in messages:
        assert message
        assert not re.search(r"(?<!\\)(?:\\\\)*\[(?:[^\[\]\\]|\\.)*\]\(", message)


# -- gitlab, rdjson, sonarqube, hadolint -----------------------------------------------------------


def test_gitlab_reports_every_finding_once() -> None:
    findings = [found(), found(), found(path="b"), *rich()]
    report = read("gitlab", findings)

    assert len({each["fingerprint"] for each in report}) == len(findings)
    assert report[0] == {
        "description": "SL102: stage 0 is referred to by its number",
        "check_name": "SL102",
        "fingerprint": report[0]["fingerprint"],
        "severity": "major",
        "location": {"path": "Dockerfile", "lines": {"begin": 6, "end": 6}},
    }


def test_gitlab_paths_are_those_of_the_repository(tmp_path: Path) -> None:
    (entry,) = read("gitlab", [found(path=str(tmp_path / "a" / "Dockerfile"))], str(tmp_path))

    assert entry["location"]["path"] == "a/Dockerfile"


def test_rdjson_counts_bytes() -> None:
    diagnostics = read("rdjson", rich())["diagnostics"]

    assert diagnostics[1]["location"] == {
        "path": "Dockerfile",
        "range": {"start": {"line": 3, "column": 3}, "end": {"line": 3, "column": 5}},
    }
    assert diagnostics[0]["related_locations"] == [
        {
            "message": "asked for here",
            "location": {
                "path": "deploy/compose é.yaml",
                "range": {"start": {"line": 2, "column": 13}, "end": {"line": 2, "column": 18}},
            },
        }
    ]
    assert [each["severity"] for each in diagnostics[:4]] == ["WARNING", "ERROR", "INFO", "INFO"]
    assert diagnostics[0]["message"].splitlines() == [
        "stage 0 is referred to by its number",
        "Numbers move.",
        "Fix: Rename the stage (--fix)",
        "mind the gap",
    ]


@pytest.mark.parametrize("findings", [rich(), *map(hostile, HOSTILE)])
def test_sonarqube_ranges_are_none_that_end_an_import(findings: list[Finding]) -> None:
    """A range that is empty or ends beyond its line makes the scanner fail, not the issue."""
    report = read("sonarqube", findings)
    assert {each["ruleId"] for each in report["issues"]} == {each["id"] for each in report["rules"]}
    for issue, finding in zip(report["issues"], findings, strict=True):
        places = [issue["primaryLocation"], *issue["secondaryLocations"]]
        sources = [finding.source, *(related.source for related in finding.related)]
        for place, source in zip(places, sources, strict=True):
            check_range(place["textRange"], source)


def check_range(place: dict[str, int], source: Source) -> None:
    lines = source.text.split("\n")
    assert place["startLine"] <= len(lines)
    if len(place) == 1:
        return
    start, end = ((place[f"{side}Line"], place[f"{side}Column"]) for side in ("start", "end"))
    assert start < end
    for line, column in (start, end):
        width = len(lines[line - 1].removesuffix("\r").encode("utf-16-le", "surrogatepass")) // 2
        assert 0 <= column <= width


def test_sonarqube_rules_say_what_they_are_about() -> None:
    report = read("sonarqube", rich())
    rules = {each["id"]: each for each in report["rules"]}

    assert rules["SL213"]["impacts"] == [{"softwareQuality": "SECURITY", "severity": "MEDIUM"}]
    assert rules["SL213"]["type"] == "VULNERABILITY"
    assert report["issues"][1]["primaryLocation"]["textRange"] == {
        "startLine": 3,
        "startColumn": 2,
        "endLine": 3,
        "endColumn": 3,
    }


def test_hadolint_json() -> None:
    assert read("hadolint-json", rich())[3] == {
        "file": "sub/Dockerfile",
        "line": 7,
        "column": 1,
        "level": "style",
        "code": "SL102",
        "message": "stage 0 is referred to by its number",
    }


# -- xml -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("findings", [[], rich(), *map(hostile, HOSTILE)])
def test_checkstyle(findings: list[Finding]) -> None:
    document = ElementTree.fromstring(render("checkstyle", findings).encode("utf-8"))
    files = list(document)
    errors = [error for file in files for error in file]

    assert (document.tag, document.attrib) == ("checkstyle", {"version": "4.3"})
    assert {(file.tag, *file.attrib) for file in files} <= {("file", "name")}
    assert len(files) == len({finding.source.path for finding in findings})
    assert len(errors) == len(findings)
    for error in errors:
        assert (error.tag, len(error)) == ("error", 0)
        assert list(error.attrib) == ["line", "column", "severity", "message", "source"]
        assert error.attrib["severity"] in ("error", "warning", "info")


@pytest.mark.parametrize("findings", [[], rich(), *map(hostile, HOSTILE)])
def test_junit(findings: list[Finding], tmp_path: Path) -> None:
    text = render("junit", findings)
    # The schema knows no line and column of a test; ruff and others write them all the same.
    JUNIT.validate(re.sub(r'(<testcase [^>]*) line="\d+" column="\d+"', r"\1", text))
    path = tmp_path / "junit.xml"
    path.write_text(text, "utf-8")
    parsed: Any = junitparser.JUnitXml.fromfile(str(path))  # pyright: ignore[reportUnknownMemberType]
    cases = [case for suite in parsed for case in suite]

    assert (parsed.tests, parsed.failures, parsed.errors) == (
        len(findings) or 1,
        len(findings),
        0,
    )
    assert len(cases) == (len(findings) or 1)
    assert sum(len(case.result) for case in cases) == len(findings)


JUNIT = xmlschema.XMLSchema(str(SCHEMAS / "junit-10.xsd"))


def test_junit_says_what_was_found_where() -> None:
    first = ElementTree.fromstring(render("junit", rich()))[0][0]

    assert first.attrib == {
        "name": "org.stagelint.SL102",
        "classname": "Dockerfile",
        "line": "6",
        "column": "13",
    }
    assert first[0].attrib == {
        "message": "stage 0 is referred to by its number",
        "type": "warning",
    }
    assert first[0].text == (
        "line 6, column 13: stage 0 is referred to by its number\nNumbers move.\n"
        "Fix: Rename the stage (--fix)\nmind the gap"
    )


@pytest.mark.parametrize("path", ["a\nb\tc\rd", 'a"b', "a<b>&c'd", "]]>", "é😀"])
def test_xml_keeps_names_of_files(path: str) -> None:
    for form in ("checkstyle", "junit"):
        document = ElementTree.fromstring(render(form, [found(path=path)]))

        assert document[0].attrib["name"] == path


# -- commands --------------------------------------------------------------------------------------


class Command(NamedTuple):
    """A command in a log, as the program that reads it understands it."""

    name: str
    properties: dict[str, str]
    data: str


def log_lines(text: str) -> list[str]:
    """The lines as .NET reads them."""
    return re.split(r"\r\n|\r|\n", text)


def github_commands(text: str) -> Iterator[Command]:
    """As actions/runner does: `::name a=b,c=d::data` begins a line, `##[name a=b;c=d]data` is
    anywhere in it."""
    for line in log_lines(text):
        new = re.match(r"\s*::([^ ]*?)(?: (.*?))?::(.*)", line)
        old = re.search(r"##\[([^\] ]*)(?: ([^\]]*))?\](.*)", line)
        if new:
            yield Command(new[1], pairs(new[2], ",", GITHUB_PROPERTY), decoded(new[3], GITHUB_DATA))
        elif old:
            yield Command(old[1], pairs(old[2], ";", {}), old[3])


def azure_commands(text: str) -> Iterator[Command]:
    """As azure-pipelines-agent does: `##vso[name a=b;c=d]data` is anywhere in a line."""
    for line in log_lines(text):
        match = re.search(r"##vso\[([^\] ]*)(?: ([^\]]*))?\](.*)", line)
        if match:
            yield Command(match[1], pairs(match[2], ";", AZURE), decoded(match[3], AZURE))
        else:
            assert "##[" not in line
            assert not line, "the format prints nothing but commands"


GITHUB_DATA = {"%0D": "\r", "%0A": "\n", "%25": "%"}
GITHUB_PROPERTY = {"%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ",", "%25": "%"}
AZURE = {"%3B": ";", "%0D": "\r", "%0A": "\n", "%5D": "]", "%AZP25": "%"}


def pairs(text: str | None, separator: str, tokens: dict[str, str]) -> dict[str, str]:
    found = [each.partition("=") for each in (text or "").split(separator) if "=" in each]
    return {key: decoded(value, tokens) for key, _, value in found}


def decoded(text: str, tokens: dict[str, str]) -> str:
    for token, meaning in tokens.items():
        text = text.replace(token, meaning)
    return text


def test_github_annotations() -> None:
    commands = list(github_commands(render("github", rich())))
    annotations = [each for each in commands if "group" not in each.name]

    assert [each.name for each in commands[:2]] == ["group", "endgroup"]
    assert [each.name for each in annotations] == ["error", *3 * ["warning"], *2 * ["notice"]]
    assert annotations[1] == Command(
        "warning",
        {
            "title": "SL102 numeric-stage-reference",
            "file": "Dockerfile",
            "line": "6",
            "endLine": "6",
            "col": "13",
            "endColumn": "14",
        },
        "stage 0 is referred to by its number\nNumbers move.\nFix: Rename the stage (--fix)\n"
        "mind the gap",
    )
    assert annotations[4].properties["endLine"] == "3"
    assert "col" not in annotations[4].properties
    assert render("github", []) == ""


@pytest.mark.parametrize("text", HOSTILE)
def test_github_obeys_no_command_of_a_file(text: str) -> None:
    findings = hostile(text)
    output = render("github", findings)
    commands = list(github_commands(output))

    assert [each.name for each in commands] == ["group", "endgroup", "warning", "warning"]
    for command, finding in zip(commands[2:], findings, strict=True):
        path = command.properties["file"]
        assert path == relative(finding.source.path, os.getcwd())
        assert command.properties["line"] == str(finding.source.position(finding.span.start).line)
        assert set(command.properties) <= {"title", "file", "line", "endLine", "col", "endColumn"}
    assert len(log_lines(output)) == 2 + 2 * len(findings) + 1


def test_github_annotates_the_worst_and_says_how_many_are_left() -> None:
    counts = {Severity.STYLE: 12, Severity.WARNING: 11, Severity.ERROR: 3}
    findings = [found(severity=each) for each, count in counts.items() for _ in range(count)]
    output = render("github", findings)
    commands = [each for each in github_commands(output) if "group" not in each.name]

    assert [each.name for each in commands] == 3 * ["error"] + 10 * ["warning"] + 10 * ["notice"]
    assert commands[-1] == Command(
        "notice",
        {"title": "stagelint"},
        "4 findings without an annotation, see the log of this step",
    )
    assert output.count(" SL102 Dockerfile:6:13: ") == len(findings)


def test_github_cuts_long_messages() -> None:
    output = render("github", [found(message="é%" * 4096)])
    *_, command = github_commands(output)

    assert len(command.data) == github.MAX_MESSAGE


def test_azure_issues() -> None:
    commands = list(azure_commands(render("azure", rich())))

    assert {each.name for each in commands} == {"task.logissue"}
    assert [each.properties["type"] for each in commands] == ["error", *5 * ["warning"]]
    assert commands[0] == Command(
        "task.logissue",
        {
            "type": "error",
            "sourcepath": "Dockerfile",
            "linenumber": "3",
            "columnnumber": "3",
            "code": "SL213",
        },
        "stage 0 is referred to by its number",
    )
    assert render("azure", []) == ""


@pytest.mark.parametrize("text", HOSTILE)
def test_azure_obeys_no_command_of_a_file(text: str) -> None:
    findings = hostile(text)
    commands = list(azure_commands(render("azure", findings)))

    assert [each.name for each in commands] == 2 * ["task.logissue"]
    for command, finding in zip(commands, findings, strict=True):
        assert command.properties == {
            "type": "warning",
            "sourcepath": relative(finding.source.path, os.getcwd()),
            "linenumber": str(finding.source.position(finding.span.start).line),
            "columnnumber": str(finding.source.position(finding.span.start).column),
            "code": finding.code,
        }
        assert command.data == interchange.message(finding)


@given(st.text(alphabet="%3BDA05]AZP2;\r\n x"))
def test_azure_decodes_what_was_meant(text: str) -> None:
    run = Run([found(path=f"x{text}y", message=text)], rule, os.getcwd())
    (line,) = azure.render(run)
    (command,) = azure_commands(line)

    assert command.data == interchange.message(run.findings[0])
    assert command.properties["sourcepath"] == os.path.normpath(f"x{text}y")


# -- gnu -------------------------------------------------------------------------------------------

#: As Vim's `%f:%l:%c: %t%*[^:]: %m` and Emacs' `gnu`, with the code that we add.
GNU = r"(?P<path>.+?):(?P<line>\d+):(?P<column>\d+): (?P<kind>error|warning|info): (?P<said>.*) \[(\w+)\]"


def test_gnu() -> None:
    lines = render("gnu", rich()).splitlines()

    assert lines[:2] == [
        "Dockerfile:6:13: warning: stage 0 is referred to by its number [SL102]",
        "Dockerfile:3:3: error: stage 0 is referred to by its number [SL213]",
    ]
    assert all(re.fullmatch(GNU, line) for line in lines)
    assert render("gnu", []) == ""


@pytest.mark.parametrize("text", HOSTILE)
def test_gnu_is_one_line_a_finding(text: str) -> None:
    output = render("gnu", hostile(text))

    assert output.count("\n") == len(output.splitlines()) == 2
    assert all(line.isprintable() and re.fullmatch(GNU, line) for line in output.splitlines())


# -- markdown --------------------------------------------------------------------------------------

COMMONMARK = MarkdownIt("gfm-like")
#: What a list of findings is made of.
EXPECTED = {
    *("heading_open", "heading_close", "paragraph_open", "paragraph_close", "inline"),
    *("bullet_list_open", "bullet_list_close", "list_item_open", "list_item_close"),
    *("text", "code_inline", "strong_open", "strong_close", "softbreak"),
}


def tokens(text: str) -> Iterator[Token]:
    for token in COMMONMARK.parse(text):
        yield token
        yield from token.children or ()


def markdown_parts(text: str) -> list[Token]:
    """The parts of a document, in which nothing but `<br>` is HTML and nothing a link."""
    found = list(tokens(text))
    assert {each.type for each in found} - {"html_inline"} <= EXPECTED
    assert {each.content for each in found if each.type == "html_inline"} <= {"<br>"}
    return found


def test_markdown() -> None:
    assert render("markdown", rich()[:2]) == (
        "### stagelint: 1 error, 1 warning\n\n**`Dockerfile`**\n\n"
        "- line 6: **warning** `SL102 numeric-stage-reference` stage 0 is referred to by its number"
        " (`--fix` mends it)<br>Numbers move.\n"
        "- line 3: **error** `SL213 secret-reaches-image` stage 0 is referred to by its number"
        "<br>Numbers move.\n"
    )
    assert render("markdown", [found(), found()]).count("Numbers move.") == 1
    assert render("markdown", []) == "### stagelint: no findings\n"
    markdown_parts(render("markdown", rich()))


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_gains_nothing_from_a_file(text: str) -> None:
    found = [each.type for each in markdown_parts(render("markdown", hostile(text)))]

    assert found.count("heading_open") == 1
    assert found.count("bullet_list_open") == 1
    assert found.count("list_item_open") == 2


@settings(max_examples=300)
@given(st.text(alphabet="`[]()<>!:/@#*_~|\\&;%. wxh1-+=é"), st.sampled_from(HOSTILE))
def test_markdown_prose_is_words_and_code(text: str, more: str) -> None:
    shown = markdown.prose(interchange.escape(text + more + text))
    found = markdown_parts(f"- x {shown}\n")

    plain = " ".join(each.content for each in found if each.type == "text")
    assert not re.search(r"@|://|[<>\[\]]|(?i:www\.)|#\d", plain)
    assert "strong_open" not in [each.type for each in found]


def test_markdown_shows_code_as_code() -> None:
    said = "stage `a|b` copies `/x y` from `c`"

    assert markdown.prose(said) == said
    assert markdown.prose("see a_b_c and x.y at @me") == "see a_b_c and `x.y` at `@me`"


def test_markdown_stays_below_the_limit_of_a_comment() -> None:
    findings = [found(path=f"{number}/Dockerfile") for number in range(2000)]
    output = render("markdown", findings)
    shown = output.count("- line")

    assert len(output) < 65_536
    assert output.endswith(f"\nand {len(findings) - shown} findings more\n")


# -- what people have ------------------------------------------------------------------------------


@pytest.mark.parametrize("check", [github_commands, azure_commands, markdown_parts])
def test_readers_of_this_test_see_what_is_hostile(check: Callable[[str], object]) -> None:
    """The tests above would fail for a format that escaped nothing."""
    raw = "x\n::error::x\n\n[x](http://evil.example)\n"
    if check is github_commands:
        assert [each.name for each in github_commands(raw + "x ##[debug]y")] == ["error", "debug"]
    elif check is azure_commands:
        assert [each.name for each in azure_commands("x ##vso[task.x a=b]y")] == ["task.x"]
    else:
        with pytest.raises(AssertionError):
            markdown_parts(raw)
