"""Is the configuration found, read, checked and shown as its users expect?"""

from __future__ import annotations

import os
import time
import tomllib
from pathlib import Path

import pytest

from stagelint import config, globs
from stagelint.config import Config, ConfigError, Configs, TargetEntry, load
from stagelint.settings import line_of, show
from stagelint.source import Span


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: str, text: str = "") -> str:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(text.encode())
    return path


def message_of(path: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(path)
    return str(caught.value)


def settings(config: Config) -> Config:
    """*config* without the place it comes from."""
    targets = tuple(each._replace(span=Span(0, 0)) for each in config.targets)
    return config._replace(path="", root="", source=None, targets=targets)


FULL = """\
select = ["SL", "DL3006"]
extend-select = ["BK001"]
ignore = ["unused-stage"]
exclude = ["vendor"]
include = ["*.docker"]
ships = ["worker"]
plugins = ["their_rules"]
dialect = "kaniko"
fail-level = "info"
output-format = "json-lines"
unsafe-fixes = true
allow-libc-change = true
final-base-budget = "150MB"
sizes = "ci/sizes.json"
baseline = ""
cache-dir = ""
targets = ["test", "dev"]

[per-file-ignores]
"legacy/**" = ["SL101", "SL102"]
"*.dev" = "DL3006"

[build-args]
VERSION = "1.2"

[registry-mirrors]
"mirror.example.com/hub" = "docker.io"
"""


def test_every_setting_is_read() -> None:
    write("stagelint.toml", FULL)

    assert settings(load("stagelint.toml")) == Config(
        select=("SL", "DL3006"),
        extend_select=("BK001",),
        ignore=("unused-stage",),
        per_file_ignores={"legacy/**": ("SL101", "SL102"), "*.dev": ("DL3006",)},
        exclude=("vendor",),
        include=("*.docker",),
        used_targets=("test", "dev"),
        ships=("worker",),
        build_args={"VERSION": "1.2"},
        dialect="kaniko",
        fail_level="info",
        output_format="json-lines",
        unsafe_fixes=True,
        allow_libc_change=True,
        final_base_budget="150MB",
        registry_mirrors={"mirror.example.com/hub": "docker.io"},
        plugins=("their_rules",),
        sizes="ci/sizes.json",
    )


def test_an_empty_file_means_the_defaults_and_says_where_it_is(folder: Path) -> None:
    write("sub/stagelint.toml")
    found = load("sub/stagelint.toml")

    assert settings(found) == Config()
    assert (found.path, found.root) == ("sub/stagelint.toml", str(folder / "sub"))
    assert found.source is not None
    assert (found.source.path, found.source.text) == ("sub/stagelint.toml", "")


# -- finding it ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ([".stagelint.toml", "stagelint.toml", "pyproject.toml"], ".stagelint.toml"),
        (["stagelint.toml", "pyproject.toml"], "stagelint.toml"),
        (["pyproject.toml"], "pyproject.toml"),
        ([".stagelint.yml", ".stagelint.yaml", ".stagelint.json"], None),
    ],
)
def test_in_one_folder_the_first_of_the_names_counts(names: list[str], found: str | None) -> None:
    for name in names:
        write(name, "[tool.stagelint]\n" if name == "pyproject.toml" else "")

    assert config.find(".") == found


def test_the_nearest_file_counts_and_is_called_as_the_user_would(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("stagelint.toml")
    write("a/pyproject.toml", "[tool.stagelint]\n")
    write("a/b/c/Dockerfile")

    assert config.find("a/b/c") == os.path.join("a", "pyproject.toml")
    assert config.find("") == "stagelint.toml"
    monkeypatch.chdir("a/b")
    assert config.find("c") == str(folder / "a" / "pyproject.toml")


@pytest.mark.parametrize(
    "text",
    [
        "",
        '[project]\nname = "x"\n',
        '[tool.stagelinter]\nselect = "x"\n',
        "# [tool.stagelint]\n",
        '[project]\ndescription = "[tool.stagelint]"\n',
        'tool = 1\n# "tool.stagelint"\n',
    ],
)
def test_a_pyproject_without_the_table_is_passed_over(text: str) -> None:
    write("stagelint.toml")
    write("sub/pyproject.toml", text)

    assert config.find("sub") == "stagelint.toml"


@pytest.mark.parametrize(
    "text",
    [
        "[tool.stagelint]\nships = ['x']\n",
        '[project]\nname = "x"\n\n  [ tool.stagelint ]\n  ships = ["x"]\n',
        "tool.stagelint.ships = ['x']\n",
        "[tool.stagelint.per-file-ignores]\n[tool.stagelint]\nships = ['x']\n",
    ],
)
def test_a_pyproject_with_the_table_is_read(text: str) -> None:
    write("pyproject.toml", text)
    assert config.find(".") == "pyproject.toml"
    assert load("pyproject.toml").ships == ("x",)


def test_a_folder_of_that_name_is_no_configuration() -> None:
    write("stagelint.toml/x")

    assert config.find(".") is None


# -- one for every file --------------------------------------------------------------------------


def test_every_file_has_the_nearest_configuration_and_nothing_is_merged() -> None:
    write("stagelint.toml", 'ignore = ["A"]\ndialect = "kaniko"\n')
    write("a/stagelint.toml", 'ignore = ["B"]\n')
    configs = Configs()
    paths = ["Dockerfile", "./Dockerfile", "a/Dockerfile", "a/b/Dockerfile", "b/Dockerfile"]

    assert [(each.ignore, each.dialect) for each in map(configs.for_file, paths)] == [
        (("A",), "kaniko"),
        (("A",), "kaniko"),
        (("B",), "buildkit"),
        (("B",), "buildkit"),
        (("A",), "kaniko"),
    ]


def test_each_configuration_is_read_once() -> None:
    write("stagelint.toml", 'ignore = ["A"]\n')
    configs = Configs()
    first = configs.for_file("a/b/Dockerfile")
    write("stagelint.toml", "not TOML")

    assert configs.for_file("a/b/c/Dockerfile") is first
    assert configs.for_file(os.path.abspath("Dockerfile")) is first


def test_without_a_configuration_the_current_folder_is_the_root(folder: Path) -> None:
    assert Configs().for_file("a/Dockerfile") == Config(root=str(folder))


def test_isolated_reads_none(folder: Path) -> None:
    write("stagelint.toml", "not TOML")

    assert Configs(isolated=True).for_file("Dockerfile") == Config(root=str(folder))


def test_a_configuration_that_is_named_holds_for_all_files_and_for_the_current_folder() -> None:
    write("stagelint.toml", 'ignore = ["A"]\n')
    write("ci/lint.toml", 'exclude = ["services/old"]\n')
    found = Configs("ci/lint.toml").for_file("services/old/Dockerfile")

    assert (found.path, found.ignore) == ("ci/lint.toml", ())
    assert found.is_excluded("services/old/Dockerfile")


def test_a_configuration_that_is_named_must_exist() -> None:
    with pytest.raises(ConfigError) as caught:
        Configs("nowhere.toml")

    assert str(caught.value) == "nowhere.toml: cannot be read: no such file or directory"


# -- errors --------------------------------------------------------------------------------------


UNKNOWN = (
    "known are select, extend-select, ignore, exclude, include, ships, trusted-registries, plugins,"
    " preset, builder-stages, dialect, fail-level, output-format, unsafe-fixes, allow-libc-change,"
    " strict-labels, ignore-comments, final-base-budget, sizes, baseline, cache-dir, targets,"
    " per-file-ignores,"
    " severity, build-args, registry-mirrors, label-schema"
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('ignore = []\nselct = ["SL"]\n', '2: unknown key "selct"; did you mean "select"?'),
        ("extend_select = []\n", '1: unknown key "extend_select"; did you mean "extend-select"?'),
        ('# foo\nignore = ["foo"]\n\n[foo]\n', f'4: unknown key "foo"; {UNKNOWN}'),
        ('"\\u001b[31m" = 1\n', f'1: unknown key "\\x1b[31m"; {UNKNOWN}'),
        ('select = "SL"\n', 'select must be a list of strings; did you mean ["SL"]?'),
        ("select = [1]\n", "select must be a list of strings"),
        ("exclude = {}\n", "exclude must be a list of strings"),
        ('dialect = "buildkti"\n', 'unknown dialect "buildkti"; did you mean "buildkit"?'),
        (
            'dialect = "docker"\n',
            'unknown dialect "docker"; known are buildkit, classic, buildah, kaniko',
        ),
        ("dialect = 1\n", "dialect must be a string; known are buildkit, classic, buildah, kaniko"),
        (
            'fail-level = "warn"\n',
            'unknown fail-level "warn"; known are error, warning, info, style, none',
        ),
        ('fail-level = "eror"\n', 'unknown fail-level "eror"; did you mean "error"?'),
        ('output-format = "jsn"\n', 'unknown output-format "jsn"; did you mean "json"?'),
        ('unsafe-fixes = "yes"\n', "unsafe-fixes must be true or false"),
        ('sizes = ["a"]\n', "sizes must be the name of a file"),
        ("targets = 1\n", "targets must be a list of names or a table of globs and names"),
        ("targets = [1]\n", "targets must be a list of names or a table of globs and names"),
        (
            '[targets]\n"a/*" = 1\n',
            '2: "a/*" in targets must be a list of strings or one string',
        ),
        (
            "per-file-ignores = []\n",
            "per-file-ignores must be a table of globs and lists of rules",
        ),
        (
            '[per-file-ignores]\n\n"a/*" = [["SL"]]\n',
            '3: "a/*" in per-file-ignores must be a list of strings or one string',
        ),
        ('build-args = ["A=b"]\n', "build-args must be a table of names and strings"),
        (
            "[build-args]\nMAJOR = 3\n",
            '2: "MAJOR" in build-args must be a string; did you mean "3"?',
        ),
        ('final-base-budget = "much"\n', 'final-base-budget must be a size such as "150MB"'),
        ("final-base-budget = 150\n", 'final-base-budget must be a size such as "150MB"'),
        ("[registry-mirrors]\nA = []\n", '2: "A" in registry-mirrors must be a string'),
        ("[build-args]\nA = []\n", '2: "A" in build-args must be a string'),
        ("select = []\nselect\n", "2: is not TOML: expected '=' after a key in a key/value pair"),
        ("a = 1\na = 2\n", "2: is not TOML: cannot overwrite a value"),
        (f"a = {'[' * 10_000}", "1: is nested too deeply"),
        (f"{'a.' * 50_000}a = 1", "1: is nested too deeply"),
        ('"=".' * 50_000 + '"\\"" = 1', "1: is nested too deeply"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(text: str, message: str) -> None:
    write("stagelint.toml", text)
    line = "" if message[0].isdigit() else "1: "

    assert message_of("stagelint.toml") == f"stagelint.toml:{line}{message}"


def test_what_is_too_large_is_not_read() -> None:
    write("stagelint.toml", f"exclude = ['{'x' * 600_000}']\n")

    assert message_of("stagelint.toml") == "stagelint.toml: larger than 512 KiB"


def test_bytes_that_are_not_utf8_are_named_by_their_line() -> None:
    Path("stagelint.toml").write_bytes(b'# \xc3\xa9\nignore = ["\xff"]\n')

    assert message_of("stagelint.toml") == "stagelint.toml:2: is not UTF-8"


def test_a_number_python_refuses_to_read_is_an_error_like_others() -> None:
    write("stagelint.toml", f"a = {'9' * 10_000}\n")

    assert message_of("stagelint.toml").startswith("stagelint.toml:1: is not TOML: ")


def test_a_byte_order_mark_and_crlf_do_not_matter() -> None:
    write("stagelint.toml", '\ufeffignore = ["A"]\r\n[targets]\r\n"*" = "test"\r\n')
    found = load("stagelint.toml")

    assert found.ignore == ("A",)
    assert [spelled(found, entry) for entry in found.targets] == ["test"]


def test_errors_of_a_pyproject_speak_of_its_table() -> None:
    write("pyproject.toml", '[project]\nversion = "1"\n\n[tool.stagelint]\nversion = "1"\n')

    assert message_of("pyproject.toml") == f'pyproject.toml:5: unknown key "version"; {UNKNOWN}'


@pytest.mark.parametrize("text", ["[project]\n", "[tool]\nstagelint = 1\n"])
def test_a_pyproject_that_is_named_must_have_the_table(text: str) -> None:
    write("pyproject.toml", text)

    assert message_of("pyproject.toml") == "pyproject.toml:1: there is no table [tool.stagelint]"


def test_a_broken_pyproject_with_the_table_is_an_error_and_not_passed_over() -> None:
    write("pyproject.toml", '[tool.stagelint]\nignore = ["A"\n')

    assert config.find(".") == "pyproject.toml"
    assert message_of("pyproject.toml").startswith("pyproject.toml:3: is not TOML: ")


def test_control_characters_of_a_path_do_not_reach_the_terminal() -> None:
    assert message_of("\x1b[31m\n.toml") == (
        "\\x1b[31m\\n.toml: cannot be read: no such file or directory"
    )


# -- places --------------------------------------------------------------------------------------

TABLE = """\
[targets]
"services/*" = ["test", 'prod']  # "dev"
"prod" = [
  # "dev"
  "dev",
]
Dockerfile = "test"
"a\\u0062" = ["test", "\\u0061"]
"""

TARGETS = f"""\
# "test" and "prod"
ships = ["prod"]

{TABLE}"""


def spelled(config: Config, entry: TargetEntry) -> str:
    assert config.source is not None
    return config.source.text[entry.span.start : entry.span.end]


def test_targets_by_glob_say_where_their_name_stands() -> None:
    write("stagelint.toml", TARGETS)
    found = load("stagelint.toml")

    assert found.source is not None
    assert [
        (each.pattern, each.name, spelled(found, each), found.source.position(each.span.start).line)
        for each in found.targets
    ] == [
        ("services/*", "test", "test", 5),
        ("services/*", "prod", "prod", 5),
        ("prod", "dev", "dev", 8),
        ("Dockerfile", "test", "test", 10),
        ("ab", "test", "test", 11),
        ("ab", "a", "", 1),
    ]


@pytest.mark.parametrize(
    "text",
    [
        'targets = {"*" = ["test"]}\n',
        "tool.stagelint.targets.'*' = 'test'\n",
        '[tool.stagelint]\ntargets."*"    = ["test"]\n',
        '[x]\ntargets = ["test"]\n[tool.stagelint.targets]\n"*"          = "test"\n',
    ],
)
def test_targets_are_found_in_all_spellings_of_the_table(text: str) -> None:
    path = write("pyproject.toml" if "tool" in text else "stagelint.toml", text)
    found = load(path)
    start = text.rindex("test")

    assert found.targets == (TargetEntry("*", "test", Span(start, start + 4)),)


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("ignore", 4),
        ("SL1", 6),
        ("a/**", 9),
        ("DL3006", 9),
        ("nowhere", 1),
    ],
)
def test_the_line_of_a_word(word: str, line: int) -> None:
    text = """\
# ignore SL1 SL10
select = ["ignore", 'SL10']

ignore = [
  "SL10",
  "SL1",
]
[per-file-ignores]
"a/**" = ["DL3006"]
"""

    assert line_of(text, word) == line


# -- a file beside it -----------------------------------------------------------------------------


def test_sizes_lie_relative_to_the_configuration(folder: Path) -> None:
    write("sub/stagelint.toml", 'sizes = "ci/sizes.json"\n')
    write("absolute.toml", f"sizes = {str(folder / 'sizes.json')!r}\n")

    assert load("sub/stagelint.toml").sizes_path == os.path.join("sub", "ci/sizes.json")
    assert Configs("sub/stagelint.toml").for_file("a/b").sizes_path == os.path.join(
        "sub", "ci/sizes.json"
    )
    assert load("absolute.toml").sizes_path == str(folder / "sizes.json")
    assert Config().sizes_path is None


# -- globs ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("glob", "yes", "no"),
    [
        (
            "vendor",
            "vendor vendor/Dockerfile a/vendor/b/Dockerfile",
            "vendors a/xvendor/Dockerfile",
        ),
        ("vendor/", "vendor/Dockerfile a/vendor/b", "vendors/b"),
        ("*.dev", "a.dev x/Dockerfile.dev x.dev/Dockerfile", "a.dev.x adev"),
        ("Dockerfile.?", "Dockerfile.a a/Dockerfile.b", "Dockerfile. Dockerfile.ab"),
        ("Dockerfile.[a-c]", "Dockerfile.b", "Dockerfile.d Dockerfile.-"),
        ("Dockerfile.[!a-c]", "Dockerfile.d", "Dockerfile.b Dockerfile./x"),
        ("x[]*]", "x] x*", "xa x[]*]"),
        ("x[", "x[", "x"),
        ("x[]", "x[]", "x"),
        ("x[b-a]", "x[b-a]", "xa xb"),
        ("x[!]", "x!", "xa"),
        ("a/b", "a/b a/b/c", "b x/a/b a"),
        ("/a", "a a/b", "x/a"),
        ("./a", "a a/b", "x/a"),
        ("a/*", "a/b a/b/c", "a b/a/c"),
        ("a/*/c", "a/b/c a/b/c/d", "a/c a/b/b/c"),
        ("a/**/c", "a/c a/b/c a/b/b/c a/b/c/d", "a b/c x/a/c"),
        ("a/**", "a/b a/b/c", "a b"),
        ("**/a", "a x/a x/y/a a/b", "xa x/ya"),
        ("**", "a a/b", ""),
        ("**/a/**/b", "a/b x/a/y/b a/a/b/b", "b/a a"),
        ("*a*b*c", "abc xaxbxc aabbcc abcabc", "acb abcx"),
        ("a**b", "ab axxb", "a/b"),
        (".", "a a/b", ""),
        ("", "", "a a/b"),
        ("a+(b)", "a+(b)", "aab"),
    ],
)
def test_globs(glob: str, yes: str, no: str) -> None:
    paths = [*yes.split(), *no.split()]

    assert [path for path in paths if globs.matches(glob, path)] == yes.split()


@pytest.mark.parametrize(
    ("glob", "path", "expected"),
    [
        ("vendor", "a/vendor", True),
        ("vendor", "a/vendor/b", False),
        ("a/**/b", "a/b/b", True),
        ("a/**/b", "a/b/c", False),
        ("a/**", "a/b/c", True),
        ("*", "a/b", True),
    ],
)
def test_globs_can_be_asked_for_the_path_itself(glob: str, path: str, expected: bool) -> None:
    assert globs.matches(glob, path, above=False) is expected


@pytest.mark.parametrize(
    "glob", ["*a" * 50 + "*b", "**/a/" * 50 + "b", "**/*a*a*a*/" * 20 + "b", "*?" * 50 + "b"]
)
def test_no_glob_takes_long(glob: str) -> None:
    start = time.process_time()

    assert not globs.matches(glob, "a" * 2000)
    assert not globs.matches(glob, "a/" * 1000 + "x")
    assert time.process_time() - start < 2


def test_globs_are_relative_to_the_folder_of_the_configuration(folder: Path) -> None:
    write(
        "sub/stagelint.toml",
        'exclude = ["/old"]\ninclude = ["docker/*"]\n'
        '[per-file-ignores]\n"a/**" = ["X", "Y"]\n"*.dev" = "Z"\n'
        '[targets]\n"a/*" = ["test"]\n"*" = "prod"\n',
    )
    found = load("sub/stagelint.toml")

    assert found.is_excluded("sub/old/Dockerfile")
    assert found.is_excluded(str(folder / "sub" / "old" / "x" / "Dockerfile"))
    assert not found.is_excluded("sub/old/Dockerfile", above=False)
    assert not found.is_excluded("old/Dockerfile")
    assert found.is_included("sub/docker/web")
    assert not found.is_included("sub/docker/web/readme")
    assert found.ignores_for("sub/a/Dockerfile.dev") == ("X", "Y", "Z")
    assert found.ignores_for("a/Dockerfile") == ()
    assert [each.name for each in found.targets_for("sub/a/Dockerfile")] == ["test", "prod"]
    assert [each.name for each in found.targets_for("sub/Dockerfile")] == ["prod"]


# -- showing it ----------------------------------------------------------------------------------


def test_the_defaults_are_shown() -> None:
    assert show(Config()) == (
        """\
# no configuration file
select = []
extend-select = []
ignore = []
exclude = []
include = []
ships = []
trusted-registries = []
plugins = []
# preset: none
# builder-stages: quiet
dialect = "buildkit"
# fail-level: warning
output-format = "text"
unsafe-fixes = false
allow-libc-change = false
strict-labels = false
ignore-comments = true
final-base-budget = ""
sizes = ""
baseline = ""
cache-dir = ""
targets = []

[per-file-ignores]

[severity]

[build-args]

[registry-mirrors]

[label-schema]
"""
    )


def test_settings_are_shown_with_the_file_they_come_from() -> None:
    write("stagelint.toml", FULL.replace('targets = ["test", "dev"]\n', "") + TABLE)

    assert show(load("stagelint.toml")) == (
        """\
# from stagelint.toml
select = ["SL", "DL3006"]
extend-select = ["BK001"]
ignore = ["unused-stage"]
exclude = ["vendor"]
include = ["*.docker"]
ships = ["worker"]
trusted-registries = []
plugins = ["their_rules"]
# preset: none
# builder-stages: quiet
dialect = "kaniko"
fail-level = "info"
output-format = "json-lines"
unsafe-fixes = true
allow-libc-change = true
strict-labels = false
ignore-comments = true
final-base-budget = "150MB"
sizes = "ci/sizes.json"
baseline = ""
cache-dir = ""

[targets]
"services/*" = ["test", "prod"]
"prod" = ["dev"]
"Dockerfile" = ["test"]
"ab" = ["test", "a"]

[per-file-ignores]
"legacy/**" = ["SL101", "SL102"]
"*.dev" = ["DL3006"]

[severity]

[build-args]
"VERSION" = "1.2"

[registry-mirrors]
"mirror.example.com/hub" = "docker.io"

[label-schema]
"""
    )


NASTY = 'quote " backslash \\ tab \t newline \n nul \0 escape \x1b delete \x7f \u2028 é \U0001f600'


def test_what_is_shown_reads_back_as_the_same_settings() -> None:
    before = Config(
        select=(NASTY,),
        used_targets=("a", "b"),
        per_file_ignores={NASTY: (NASTY, "x")},
        build_args={NASTY: NASTY, "": ""},
        unsafe_fixes=True,
        sizes=NASTY,
    )
    write("stagelint.toml", show(before))

    assert settings(load("stagelint.toml")) == before


def test_what_is_shown_is_toml_even_of_what_toml_cannot_say() -> None:
    text = show(Config(select=("\udcff",), path="\x1b\n.toml"))

    assert text.splitlines()[0] == "# from \\x1b\\n.toml"
    assert tomllib.loads(text)["select"] == ["\ufffd"]
