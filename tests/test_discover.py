"""Are the right files found, read as they are, and replaced wholly or not at all?"""

from __future__ import annotations

import io
import os
import shutil
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from stagelint import discover
from stagelint.config import Config, ConfigError, Configs
from stagelint.discover import ReplaceError, is_dockerfile, read, read_stdin, replace
from stagelint.source import Source

GIT = shutil.which("git")

needs_git = pytest.mark.skipif(GIT is None, reason="needs git")
posix = pytest.mark.skipif(os.name == "nt", reason="needs a POSIX file system")
not_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is forbidden to root"
)


@pytest.fixture(autouse=True)
def folder(empty_folder: Path) -> Path:
    """An empty current folder, and a git that knows no settings of the user."""
    return empty_folder


def write(*paths: str, text: str = "FROM scratch\n") -> None:
    for path in paths:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(text.encode())


def git(*arguments: str, cwd: str = ".") -> None:
    assert GIT is not None
    user = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    subprocess.run([GIT, *user, *arguments], cwd=cwd, check=True, capture_output=True)


def commit(repository: str) -> None:
    """Make the folder a git repository with all its files in it."""
    git("init", "-q", cwd=repository)
    git("add", ".", cwd=repository)
    git("commit", "-q", "-m", "x", cwd=repository)


def found(*paths: str, force: bool = False, exclude: tuple[str, ...] = ()) -> list[str]:
    """What is found, with `/` on every system."""
    files = discover.find(paths, Configs().for_file, force_exclude=force, extra_excludes=exclude)
    return [file.replace(os.sep, "/") for file in files]


def without_git(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.path.join(os.getcwd(), "no-programs"))


# -- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "Dockerfile",
        "dockerfile",
        "DOCKERFILE",
        "Containerfile",
        "Dockerfile.dev",
        "Dockerfile-dev",
        "Dockerfile_dev",
        "dev.dockerfile",
        "api-dockerfile",
        "app.Containerfile",
        "app.Dockerfile.alpine",
        os.path.join("a", "b", "Dockerfile"),
    ],
)
def test_names_of_dockerfiles(name: str) -> None:
    assert is_dockerfile(name)


@pytest.mark.parametrize(
    "name",
    [
        "Makefile",
        "main.c",
        "mydockerfile",
        "Dockerfiles",
        "Dockerfile.dockerignore",
        "Dockerfile.md",
        "Dockerfile.j2",
        "Dockerfile.template",
        "Dockerfile.orig",
        "dockerfile.py",
        "Dockerfile_test.go",
        os.path.join("Dockerfile", "x"),
    ],
)
def test_names_of_other_files(name: str) -> None:
    assert not is_dockerfile(name)


# -- finding -------------------------------------------------------------------------------------


def test_files_that_are_named_are_linted_whatever_they_are_called() -> None:
    write("b.txt", "a/Dockerfile")

    assert found("b.txt", "nowhere", "a/Dockerfile") == ["a/Dockerfile", "b.txt", "nowhere"]


def test_every_file_is_found_once_and_called_as_it_was_first() -> None:
    write("a/Dockerfile", "Dockerfile")

    assert found("./Dockerfile", "a", ".", os.path.abspath("Dockerfile"), "Dockerfile") == [
        "./Dockerfile",
        "a/Dockerfile",
    ]


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (".", ["Dockerfile", "a/Dockerfile", "a/b/Dockerfile", "a-b/Dockerfile"]),
        ("./", ["Dockerfile", "a/Dockerfile", "a/b/Dockerfile", "a-b/Dockerfile"]),
        ("a", ["a/Dockerfile", "a/b/Dockerfile"]),
        ("a/", ["a/Dockerfile", "a/b/Dockerfile"]),
        ("./a", ["./a/Dockerfile", "./a/b/Dockerfile"]),
        ("a/../a-b", ["a/../a-b/Dockerfile"]),
    ],
)
@pytest.mark.parametrize("in_git", [False, pytest.param(True, marks=needs_git)])
def test_a_folder_is_searched_and_its_files_are_called_as_the_user_would(
    start: str, expected: list[str], in_git: bool
) -> None:
    write("Dockerfile", "a/Dockerfile", "a/b/Dockerfile", "a-b/Dockerfile", "a/b/other")
    if in_git:
        git("init", "-q")

    assert found(start) == expected


def test_an_absolute_folder_gives_absolute_paths(folder: Path) -> None:
    write("a/Dockerfile")

    assert found(str(folder)) == [(folder / "a" / "Dockerfile").as_posix()]


@pytest.mark.parametrize("in_git", [False, pytest.param(True, marks=needs_git)])
def test_some_folders_are_never_searched_unless_they_are_named(in_git: bool) -> None:
    write("Dockerfile", "a/node_modules/x/Dockerfile")
    if in_git:
        commit(".")
    write(".git/Dockerfile")

    assert found(".") == ["Dockerfile"]
    assert found("a/node_modules") == ["a/node_modules/x/Dockerfile"]


@needs_git
def test_git_says_what_is_ignored() -> None:
    write("kept/Dockerfile", "ignored/Dockerfile", "Dockerfile.local", "tracked/Dockerfile")
    write(".gitignore", text="ignored/\n*.local\n")
    write(".git-excluded")
    commit(".")
    write("untracked/Dockerfile")
    write(".git/info/exclude", text="untracked-too\n")
    write("untracked-too/Dockerfile")
    os.remove("tracked/Dockerfile")

    assert found(".") == ["kept/Dockerfile", "untracked/Dockerfile"]
    assert found("Dockerfile.local", "kept") == ["Dockerfile.local", "kept/Dockerfile"]


@needs_git
def test_repositories_inside_are_searched_and_say_what_is_ignored_there() -> None:
    write("Dockerfile")
    for nested in ("untracked", "submodule"):
        write(f"{nested}/a/Dockerfile", f"{nested}/build/Dockerfile")
        write(f"{nested}/.gitignore", text="build\n")
        commit(nested)
    git("init", "-q")
    git("add", "Dockerfile", "submodule")

    assert found(".") == ["Dockerfile", "submodule/a/Dockerfile", "untracked/a/Dockerfile"]


@needs_git
def test_a_submodule_that_is_not_checked_out_is_an_ordinary_folder() -> None:
    write("empty/Dockerfile", "full/Dockerfile")
    commit("empty")
    commit("full")
    git("init", "-q")
    git("add", "empty", "full")
    for name in ("empty", "full/.git"):
        shutil.rmtree(name)
    os.mkdir("empty")

    assert found(".") == ["full/Dockerfile"]
    assert found("full", "empty") == ["full/Dockerfile"]


@needs_git
def test_repositories_below_an_ordinary_folder_are_asked() -> None:
    write("a/b/Dockerfile", "a/b/build/Dockerfile", "c/build/Dockerfile")
    write("a/b/.gitignore", text="build\n")
    git("init", "-q", cwd="a/b")

    assert found(".") == ["a/b/Dockerfile", "c/build/Dockerfile"]


@needs_git
@posix
def test_names_that_git_would_quote_are_found() -> None:
    write(
        'é "x"/Dockerfile', "? a/Dockerfile", "b c/Dockerfile", "d\te/Dockerfile", "f\ng/Dockerfile"
    )
    commit(".")
    write("? h/Dockerfile", "H 160000 0 0\ti/Dockerfile")

    assert found(".") == [
        "? a/Dockerfile",
        "? h/Dockerfile",
        "H 160000 0 0\ti/Dockerfile",
        "b c/Dockerfile",
        "d\te/Dockerfile",
        "f\ng/Dockerfile",
        'é "x"/Dockerfile',
    ]


@needs_git
def test_a_file_in_conflict_is_found_once() -> None:
    write("Dockerfile")
    commit(".")
    git("branch", "other")
    write("Dockerfile", text="FROM ours\n")
    git("commit", "-q", "-a", "-m", "ours")
    git("checkout", "-q", "other")
    write("Dockerfile", text="FROM theirs\n")
    git("commit", "-q", "-a", "-m", "theirs")
    with pytest.raises(subprocess.CalledProcessError):
        git("merge", "-")

    assert found(".") == ["Dockerfile"]


@needs_git
def test_the_repository_of_a_hook_is_not_taken_for_the_one_that_is_searched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write("a/Dockerfile", "b/Dockerfile", "b/build/Dockerfile")
    write("b/.gitignore", text="build\n")
    commit("a")
    commit("b")
    monkeypatch.setenv("GIT_DIR", os.path.abspath("a/.git"))
    monkeypatch.setenv("GIT_INDEX_FILE", os.path.abspath("a/.git/index"))

    assert found("b") == ["b/Dockerfile"]


@needs_git
@posix
def test_nothing_of_the_repository_is_run() -> None:
    write("Dockerfile")
    commit(".")
    write("hook", text="#!/bin/sh\ntouch was-run\n")
    os.chmod("hook", 0o755)
    git("config", "core.fsmonitor", os.path.abspath("hook"))

    assert found(".") == ["Dockerfile"]
    assert not os.path.exists("was-run")


@needs_git
@posix
def test_a_git_that_waits_for_a_pipe_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    write("Dockerfile")
    commit(".")
    os.mkfifo(".gitignore")
    monkeypatch.setattr(discover, "PATIENCE", 0.2)

    assert found(".") == ["Dockerfile"]


@posix
def test_a_git_that_lies_in_the_current_folder_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    write("Dockerfile")
    write("git", "bin/git", text="#!/bin/sh\ntouch was-run\n")
    os.chmod("git", 0o755)
    os.chmod("bin/git", 0o755)
    monkeypatch.setenv("PATH", os.pathsep.join(("", ".", "bin")))

    assert found(".") == ["Dockerfile"]
    assert not os.path.exists("was-run")


@posix
@pytest.mark.parametrize("script", ["exit 128", "echo x; exit 128"])
def test_where_git_refuses_the_folders_are_walked(
    script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("project/a/Dockerfile", "project/node_modules/Dockerfile", "project/.git/Dockerfile")
    write("bin/git", text=f"#!/bin/sh\n{script}\n")
    os.chmod("bin/git", 0o755)
    monkeypatch.setenv("PATH", os.path.abspath("bin"))

    assert found("project") == ["project/a/Dockerfile"]


@posix
def test_where_git_cannot_be_started_the_folders_are_walked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write("project/a/Dockerfile")
    write("bin/git", text="no program")
    os.chmod("bin/git", 0o755)
    monkeypatch.setenv("PATH", os.path.abspath("bin"))

    assert found("project") == ["project/a/Dockerfile"]


@needs_git
def test_without_git_ignored_files_are_found_too(monkeypatch: pytest.MonkeyPatch) -> None:
    write("Dockerfile", "ignored/Dockerfile")
    write(".gitignore", text="ignored/\n")
    git("init", "-q")
    without_git(monkeypatch)

    assert found(".") == ["Dockerfile", "ignored/Dockerfile"]


@posix
@pytest.mark.parametrize("in_git", [False, pytest.param(True, marks=needs_git)])
def test_links_to_files_are_found_and_links_to_folders_are_not_followed(in_git: bool) -> None:
    write("a/real")
    os.symlink("real", "a/Dockerfile")
    os.symlink("nowhere", "a/Dockerfile.broken")
    os.symlink("a", "b")
    os.symlink("..", "a/up")
    os.symlink("a", "Dockerfile")
    os.symlink(os.devnull, "Dockerfile.null")
    os.mkdir("Dockerfile.d")
    os.mkfifo("Dockerfile.pipe")
    if in_git:
        git("init", "-q")

    assert found(".") == ["a/Dockerfile", "a/Dockerfile.broken"]
    assert found("b") == ["b/Dockerfile", "b/Dockerfile.broken"]


@not_root
def test_a_folder_that_cannot_be_read_is_passed_over() -> None:
    write("Dockerfile", "a/Dockerfile")
    os.chmod("a", 0)
    try:
        assert found(".") == ["Dockerfile"]
    finally:
        os.chmod("a", 0o755)


# -- what the configuration excludes and includes ------------------------------------------------


@pytest.mark.parametrize("in_git", [False, pytest.param(True, marks=needs_git)])
def test_what_is_excluded_is_not_found_in_folders(in_git: bool) -> None:
    write(
        "Dockerfile", "Dockerfile.old", "vendor/a/Dockerfile", "a/vendor/Dockerfile", "b/Dockerfile"
    )
    write("stagelint.toml", text='exclude = ["vendor", "*.old"]\n')
    if in_git:
        git("init", "-q")

    assert found(".") == ["Dockerfile", "b/Dockerfile"]
    assert found(".", exclude=("/b",)) == ["Dockerfile"]


def test_a_file_that_is_named_is_excluded_only_by_force() -> None:
    write("vendor/Dockerfile", "Dockerfile", "b/Dockerfile")
    write("stagelint.toml", text='exclude = ["vendor"]\n')
    paths = ("Dockerfile", "b/Dockerfile", "vendor/Dockerfile", "vendor/nowhere")

    assert found(*paths, exclude=("b",)) == list(paths)
    assert found(*paths, exclude=("b",), force=True) == ["Dockerfile"]


@pytest.mark.parametrize("in_git", [False, pytest.param(True, marks=needs_git)])
def test_a_folder_that_is_named_is_searched_though_excluded_unless_by_force(in_git: bool) -> None:
    write("vendor/Dockerfile", "vendor/vendor/Dockerfile", "vendor/a.old/Dockerfile")
    write("stagelint.toml", text='exclude = ["/vendor", "*.old"]\n')
    if in_git:
        git("init", "-q")

    assert found("vendor") == ["vendor/Dockerfile", "vendor/vendor/Dockerfile"]
    assert found("vendor", force=True) == []


@pytest.mark.parametrize("in_git", [False, pytest.param(True, marks=needs_git)])
def test_what_lies_below_an_excluded_folder_cannot_speak_for_itself(in_git: bool) -> None:
    write("stagelint.toml", text='exclude = ["vendor", "*.dev"]\n')
    write("vendor/x/Dockerfile", "a/Dockerfile.dev")
    write("vendor/x/stagelint.toml", "a/stagelint.toml", text="")
    if in_git:
        git("init", "-q")

    assert found(".") == ["a/Dockerfile.dev"]
    assert found("vendor/x/Dockerfile", "a/Dockerfile.dev", force=True) == ["a/Dockerfile.dev"]


@pytest.mark.parametrize("in_git", [False, pytest.param(True, marks=needs_git)])
def test_the_configuration_of_an_excluded_folder_is_not_read(in_git: bool) -> None:
    write("vendor/a/Dockerfile", "vendor/a/b/other", "Dockerfile")
    write("vendor/a/stagelint.toml", text="not TOML")
    write("stagelint.toml", text='exclude = ["vendor"]\n')
    if in_git:
        git("init", "-q")

    assert found(".") == ["Dockerfile"]
    assert found("vendor/a/Dockerfile", force=True) == []


@needs_git
def test_an_excluded_repository_inside_is_not_entered() -> None:
    write("vendor/Dockerfile", "Dockerfile")
    write("vendor/stagelint.toml", text="not TOML")
    git("init", "-q")
    git("init", "-q", cwd="vendor")
    write("stagelint.toml", text='exclude = ["vendor"]\n')

    assert found(".") == ["Dockerfile"]


@pytest.mark.parametrize("in_git", [False, pytest.param(True, marks=needs_git)])
def test_other_names_can_be_included(in_git: bool) -> None:
    write("a/web.docker", "a/Dockerfile.j2", "docker/web", "docker/sub/readme", "b/docker/web")
    write("stagelint.toml", text='include = ["*.docker", "*.j2", "docker/*"]\n')
    write("b/stagelint.toml", text="")
    write("b/web.docker")
    if in_git:
        git("init", "-q")

    assert found(".") == ["a/Dockerfile.j2", "a/web.docker", "docker/web"]


def test_an_error_in_a_configuration_below_is_not_swallowed() -> None:
    write("a/Dockerfile")
    write("a/stagelint.toml", text="selct = 1\n")

    with pytest.raises(ConfigError) as caught:
        found(".")
    assert str(caught.value).endswith(
        'stagelint.toml:1: unknown key "selct"; did you mean "select"?'
    )


def test_one_configuration_can_hold_for_all_files() -> None:
    write("a/Dockerfile", "b/Dockerfile")
    settings = Config(exclude=("a",))
    files = discover.find(["."], lambda _: settings)

    assert [file.replace(os.sep, "/") for file in files] == ["b/Dockerfile"]


# -- reading -------------------------------------------------------------------------------------


def make_missing(path: str) -> None:
    assert not os.path.exists(path)


def make_folder(path: str) -> None:
    os.mkdir(path)


def make_broken_link(path: str) -> None:
    os.symlink("no\x1bwhere", path)


def make_loop(path: str) -> None:
    os.symlink(path, path)


def make_socket(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)


def make_device(path: str) -> None:
    os.symlink(os.devnull, path)


def make_too_large(path: str) -> None:
    with open(path, "wb") as file:
        file.truncate((32 << 20) + 1)


def holding(data: bytes) -> Callable[[str], object]:
    return lambda path: Path(path).write_bytes(data)


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (make_missing, "no such file"),
        (make_folder, "is a folder"),
        pytest.param(make_broken_link, "broken link to no\\x1bwhere", marks=posix),
        pytest.param(make_loop, "too many levels of symbolic links", marks=posix),
        pytest.param(make_socket, "not a regular file", marks=posix),
        pytest.param(make_device, "not a regular file", marks=posix),
        (make_too_large, "larger than 32 MiB"),
        (holding("FROM x".encode("utf-16")), "is UTF-16, and BuildKit reads UTF-8"),
        (holding(b"\xfe\xff\0F"), "is UTF-16, and BuildKit reads UTF-8"),
        (holding("FROM x".encode("utf-16-le")), "is not text"),
        (holding(b"\x7fELF\0\0"), "is not text"),
        (holding(b"\0\nFROMAGE\n#FROM\n"), "is not text"),
    ],
)
def test_what_cannot_be_read_is_an_empty_text_with_the_reason(
    make: Callable[[str], object], error: str
) -> None:
    make("Dockerfile")
    source = read("Dockerfile")

    assert (source.path, source.text, source.error) == ("Dockerfile", "", error)


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("", "no such file"),
        ("Dockerfile/x", "no such file"),
        ("a\0b", "embedded null"),
        ("x" * 5000, "name too long"),
    ],
)
def test_a_path_that_cannot_be_is_said_to_be(path: str, error: str) -> None:
    write("Dockerfile")

    assert error in read(path).error or os.name == "nt"
    assert read(path).error


@not_root
def test_a_file_that_is_forbidden() -> None:
    write("Dockerfile", "a/Dockerfile")
    os.chmod("Dockerfile", 0)
    os.chmod("a", 0)
    try:
        assert read("Dockerfile").error == "permission denied"
        assert read("a/Dockerfile").error == "permission denied"
    finally:
        os.chmod("a", 0o755)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"FROM scratch\n",
        b"\xef\xbb\xbfFROM scratch\r\nRUN \xff\xc3\xa9",
        b"\0\n \t from scratch\n",
        b"FROM\n\0",
        b"\xef\xbb\xbfFROM\t\0",
        b"# only a comment, \x01\x02",
    ],
)
def test_every_byte_is_read(data: bytes) -> None:
    Path("Dockerfile").write_bytes(data)
    source = read("Dockerfile")

    assert (source.path, source.error, source.to_bytes()) == ("Dockerfile", "", data)


def test_the_largest_file_is_read() -> None:
    data = b"#" * (32 << 20)
    Path("Dockerfile").write_bytes(data)

    assert read("Dockerfile").to_bytes() == data


@posix
def test_a_pipe_is_read() -> None:
    os.mkfifo("pipe")
    writer = threading.Thread(target=write, args=("pipe",))
    writer.start()
    source = read("pipe")
    writer.join()

    assert (source.error, source.text) == ("", "FROM scratch\n")


@pytest.mark.skipif(not os.path.exists("/dev/fd/0"), reason="needs /dev/fd")
def test_a_numbered_pipe_is_read() -> None:
    receiver, sender = os.pipe()
    os.write(sender, b"FROM scratch\n")
    os.close(sender)
    try:
        source = read(f"/dev/fd/{receiver}")
    finally:
        os.close(receiver)

    assert (source.error, source.text) == ("", "FROM scratch\n")


def from_stdin(data: bytes, monkeypatch: pytest.MonkeyPatch, path: str = "-") -> Source:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    return read_stdin(path)


def test_stdin_is_read_byte_by_byte_and_called_as_the_user_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = b"\xef\xbb\xbfFROM scratch\r\nRUN \xff"
    source = from_stdin(data, monkeypatch, "a/Dockerfile")

    assert (source.path, source.error, source.to_bytes()) == ("a/Dockerfile", "", data)
    assert from_stdin(data, monkeypatch).path == "-"


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"\xff\xfeF\0", "is UTF-16, and BuildKit reads UTF-8"),
        (b"\0", "is not text"),
        (b"#" * ((32 << 20) + 1), "larger than 32 MiB"),
    ],
    ids=["utf-16", "binary", "large"],
)
def test_stdin_is_checked_as_files_are(
    data: bytes, error: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = from_stdin(data, monkeypatch)

    assert (source.path, source.text, source.error) == ("-", "", error)


def test_a_closed_stdin_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)

    assert read_stdin().error == "standard input is closed"


# -- replacing -----------------------------------------------------------------------------------


def put(text: str, path: str = "Dockerfile") -> None:
    """Replace what is at *path* by *text*."""
    before = read(path)
    replace(path, before, Source(path, text))


def listing() -> list[str]:
    return sorted(os.listdir())


def test_a_file_is_replaced_byte_by_byte() -> None:
    before = Source.from_bytes("Dockerfile", b"\xef\xbb\xbfFROM a\r\nRUN \xff\r\n")
    Path("Dockerfile").write_bytes(before.to_bytes())
    replace("Dockerfile", before, Source("Dockerfile", before.text.replace("a", "b")))

    assert Path("Dockerfile").read_bytes() == b"\xef\xbb\xbfFROM b\r\nRUN \xff\r\n"
    assert listing() == ["Dockerfile"]


@posix
@pytest.mark.parametrize("mode", [0o600, 0o644, 0o755, 0o666, 0o2750])
def test_the_mode_is_kept(mode: int) -> None:
    write("Dockerfile")
    os.chmod("Dockerfile", mode)
    put("FROM b\n")

    assert stat.S_IMODE(os.stat("Dockerfile").st_mode) == mode


@posix
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root")
def test_the_owner_is_kept() -> None:
    write("Dockerfile")
    os.chown("Dockerfile", 1234, 5678)
    put("FROM b\n")
    status = os.stat("Dockerfile")

    assert (status.st_uid, status.st_gid) == (1234, 5678)


@posix
def test_links_are_kept_and_what_they_lead_to_is_replaced() -> None:
    write("a/real")
    os.symlink("a/real", "link")
    os.symlink("link", "Dockerfile")
    put("FROM b\n")

    assert (os.readlink("Dockerfile"), os.readlink("link")) == ("link", "a/real")
    assert Path("a/real").read_text() == "FROM b\n"
    assert (listing(), os.listdir("a")) == (["Dockerfile", "a", "link"], ["real"])


@pytest.mark.parametrize("now", ["", "FROM scratch\n# mine\n", "FROM other\n"])
def test_a_change_in_between_is_kept(now: str) -> None:
    write("Dockerfile")
    before = read("Dockerfile")
    write("Dockerfile", text=now)

    with pytest.raises(ReplaceError) as caught:
        replace("Dockerfile", before, Source("Dockerfile", "FROM b\n"))
    assert str(caught.value) == "changed while it was being fixed; nothing was written"
    assert Path("Dockerfile").read_text() == now
    assert listing() == ["Dockerfile"]


def refusal(path: str) -> str:
    source = Source(path, "FROM scratch\n")
    with pytest.raises(ReplaceError) as caught:
        replace(path, source, source)
    return str(caught.value)


def test_what_is_gone_or_no_file_is_not_replaced() -> None:
    os.mkdir("folder")

    assert refusal("gone") == "no such file; nothing was written"
    assert refusal("folder") == "not a regular file; nothing was written"
    assert listing() == ["folder"]


@posix
def test_a_pipe_is_not_replaced() -> None:
    os.mkfifo("pipe")

    assert refusal("pipe") == "not a regular file; nothing was written"


@not_root
def test_what_is_read_only_is_not_replaced() -> None:
    write("Dockerfile", "a/Dockerfile")
    os.chmod("Dockerfile", 0o444)
    os.chmod("a", 0o555)
    try:
        assert refusal("Dockerfile") == "is read-only; nothing was written"
        assert refusal("a/Dockerfile") == "permission denied; nothing was written"
    finally:
        os.chmod("a", 0o755)


@pytest.mark.parametrize("step", ["fsync", "chmod", "replace"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_whatever_fails_nothing_is_left_behind(
    step: str, error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise error

    write("Dockerfile")
    monkeypatch.setattr(os, step, fail)
    with pytest.raises((ReplaceError, KeyboardInterrupt)) as caught:
        put("FROM b\n")

    assert str(caught.value) in ("", "no space left on device; nothing was written")
    assert Path("Dockerfile").read_text() == "FROM scratch\n"
    assert listing() == ["Dockerfile"]


@posix
def test_nobody_else_can_read_a_private_file_while_it_is_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    modes: list[int] = []
    write("Dockerfile")
    os.chmod("Dockerfile", 0o600)
    original = os.fsync

    def fsync(descriptor: int) -> None:
        modes.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        original(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    put("FROM b\n")

    assert modes == [0o600]
