"""What becomes of files when the world breaks in the middle of a run: they are as they were, or fixed.

Faults are real ones where they can be had: the command runs as a program of its own, on a full or
read-only file system, as another user, or is killed. `test_discover.py` has those of single steps.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stagelint import discover
from stagelint.cli import main
from stagelint.discover import ReplaceError, read, replace, replace_all
from stagelint.source import Source

if sys.platform == "win32":
    pytest.skip("needs a POSIX system", allow_module_level=True)

ROOT = Path(__file__).parent.parent
BROKEN = b"FROM golang\nRUN make\n\nFROM scratch\nCOPY --from=0 /a /a\n"
FIXED = BROKEN.replace(b"golang", b"golang AS build").replace(b"=0", b"=build")
NOBODY = 65534

root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")


@pytest.fixture(autouse=True)
def folder(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(str(ROOT / x) for x in ("lint", "rules")))
    monkeypatch.setenv("NO_COLOR", "1")
    Path("Dockerfile").write_bytes(BROKEN)
    return empty_folder


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that every user may enter, with a Dockerfile."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        Path(name, "Dockerfile").write_bytes(BROKEN)
        yield Path(name)


Ran = tuple[int, bytes, bytes]


def stagelint(*arguments: str | bytes, before: Callable[[], None] | None = None) -> Ran:
    """Run the command as a program of its own, after *before* in its process."""
    done = subprocess.run(
        [sys.executable, "-m", "stagelint", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        preexec_fn=before,
    )
    return done.returncode, done.stdout, done.stderr


def refused(reason: str) -> Ran:
    """What `--fix-only` says if a Dockerfile is not written."""
    return 2, b"", f"stagelint: Dockerfile: {reason}; nothing was written\n".encode()


def listing(folder: Path | str = ".") -> list[str]:
    return sorted(os.listdir(folder))


def is_untouched(folder: Path | str = ".") -> bool:
    return listing(folder) == ["Dockerfile"] and Path(folder, "Dockerfile").read_bytes() == BROKEN


# -- the disk --------------------------------------------------------------------------------------


def without_space() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))


def test_no_space_for_what_is_fixed() -> None:
    assert stagelint("--fix-only", before=without_space) == refused("file too large")
    assert is_untouched()


def test_no_space_for_findings_or_a_baseline() -> None:
    status, _, err = stagelint("--output-format", "json:report", before=without_space)
    assert (status, err) == (2, b"stagelint: report: file too large; nothing was written\n")

    status, _, err = stagelint("--baseline", "kept", "--update-baseline", before=without_space)
    assert (status, err) == (2, b"stagelint: kept: file too large; nothing was written\n")
    assert is_untouched()


def mounted(options: str, script: str, folder: Path) -> Ran:
    """Run a shell *script* in *folder*, on a file system of its own that holds the Dockerfile."""
    setup = f"mount -t tmpfs -o {options} none mnt && cp Dockerfile mnt && cd mnt && {script}"
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", setup, sys.executable],
        cwd=folder,
        capture_output=True,
        check=False,
    )
    if b"mount" in done.stderr or b"unshare" in done.stderr:
        pytest.skip("nothing can be mounted")
    return done.returncode, done.stdout, done.stderr


@root
@linux
@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("dd if=/dev/zero of=x bs=4k 2>&-; rm -f y", "no space left on device"),
        ("touch x; mount -o remount,ro .", "is read-only"),
    ],
    ids=["full", "read-only"],
)
def test_a_file_system_that_takes_nothing(fault: str, reason: str, folder: Path) -> None:
    Path("mnt").mkdir()
    status, out, err = mounted(
        "size=64k",
        f'{fault}; "$0" -m stagelint --fix-only; echo $? >&2; ls -A; cat Dockerfile',
        folder,
    )

    assert err == refused(reason)[2] + b"2\n"
    assert (status, out) == (0, b"Dockerfile\nx\n" + BROKEN)


@root
@linux
def test_an_immutable_file() -> None:
    chattr = shutil.which("chattr")
    if not chattr or subprocess.run([chattr, "+i", "Dockerfile"], check=False).returncode:
        pytest.skip("no file can be made immutable here")
    try:
        assert stagelint("--fix-only") == refused("is read-only")
    finally:
        subprocess.run([chattr, "-i", "Dockerfile"], check=True)
    assert is_untouched()


def test_what_was_written_is_put_back_when_the_disk_is_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shutil.copy("Dockerfile", "b")
    written: list[str] = []
    original = os.replace

    def fail(source: str, target: str) -> None:
        written.append(target)
        if len(written) == 2:
            raise OSError(28, "No space left on device")
        original(source, target)

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(ReplaceError) as caught:
        replace_all([(name, read(name), Source(name, "FROM b\n")) for name in ("Dockerfile", "b")])

    assert str(caught.value) == "b: no space left on device; nothing was written"
    assert [Path(name).read_bytes() for name in listing()] == [BROKEN, BROKEN]
    assert listing() == ["Dockerfile", "b"]


# -- other users -----------------------------------------------------------------------------------


def refusal_of_nobody(folder: Path) -> str:
    """Why a user without rights cannot replace the Dockerfile there; empty if that user can."""
    receiving, sending = os.pipe()
    child = os.fork()  # whose modules are here already: others may not be able to read them
    if not child:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            path = str(folder / "Dockerfile")
            replace(path, Source.from_bytes(path, BROKEN), Source(path, "FROM b\n"))
        except BaseException as error:  # noqa: BLE001 - it is told
            os.write(sending, str(error).encode())
        finally:
            os._exit(0)
    os.close(sending)
    os.waitpid(child, 0)
    with open(receiving, "rb") as answer:
        return answer.read().decode()


@root
@pytest.mark.parametrize(
    ("file_mode", "folder_mode", "owner", "reason"),
    [
        (0o444, 0o777, NOBODY, "is read-only"),
        (0o666, 0o555, NOBODY, "permission denied"),
        (0o666, 0o777, 0, "would not keep its owner and group"),
    ],
)
def test_what_somebody_may_not_write(
    file_mode: int, folder_mode: int, owner: int, reason: str, public: Path
) -> None:
    os.chown(public / "Dockerfile", owner, owner)
    os.chmod(public / "Dockerfile", file_mode)
    os.chmod(public, folder_mode)

    assert refusal_of_nobody(public) == f"{reason}; nothing was written"
    assert is_untouched(public)
    assert os.stat(public / "Dockerfile").st_uid == owner


@root
def test_root_gives_a_file_back_to_its_owner() -> None:
    os.chown("Dockerfile", 1234, 5678)
    os.chmod("Dockerfile", 0o640)

    assert stagelint("--fix-only") == (0, b"", b"")
    status = os.stat("Dockerfile")
    assert Path("Dockerfile").read_bytes() == FIXED
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (1234, 5678, 0o640)


# -- what hangs on a file --------------------------------------------------------------------------


def test_hard_links_are_not_cut() -> None:
    os.link("Dockerfile", "other")

    assert stagelint("--fix-only", "Dockerfile") == refused(
        "has other names (hard links), which would be cut off"
    )
    assert os.path.samefile("Dockerfile", "other")
    assert Path("other").read_bytes() == BROKEN


@linux
def test_extended_attributes_are_kept() -> None:
    if sys.platform == "linux":
        try:
            os.setxattr("Dockerfile", "user.note", b"mine")
        except OSError:
            pytest.skip("this file system has none")
        stagelint("--fix-only")

        assert Path("Dockerfile").read_bytes() == FIXED
        assert os.getxattr("Dockerfile", "user.note") == b"mine"


@pytest.mark.parametrize("when", [0, 2**31 - 1, 2**33])
def test_clocks_that_are_wrong_change_nothing(when: int) -> None:
    os.utime("Dockerfile", (when, when))

    assert stagelint("--fix-only") == (0, b"", b"")
    assert Path("Dockerfile").read_bytes() == FIXED


BOM = b"\xef\xbb\xbf"
FORMS = {
    "plain": (b"\n", b"", b"\n"),
    "CRLF": (b"\r\n", b"", b"\r\n"),
    "BOM": (b"\n", BOM, b"\n"),
    "no newline at the end": (b"\n", b"", b""),
    "BOM and CRLF, no newline at the end": (b"\r\n", BOM, b""),
    "no UTF-8": (b"\n", b"", b"\n# \xff\xfe\n\n\n"),
}


@pytest.mark.parametrize("form", FORMS)
def test_bytes_that_no_fix_is_about_stay(form: str) -> None:
    newline, head, tail = FORMS[form]
    before, after = (
        head + text.rstrip().replace(b"\n", newline) + tail for text in (BROKEN, FIXED)
    )
    Path("Dockerfile").write_bytes(before)

    assert stagelint("--fix-only") == (0, b"", b"")
    assert Path("Dockerfile").read_bytes() == after
    assert listing() == ["Dockerfile"]


# -- what changes meanwhile ------------------------------------------------------------------------


def becomes_private() -> None:
    os.chmod("Dockerfile", 0o600)


def becomes_a_link() -> None:
    os.rename("Dockerfile", "real")
    os.symlink("real", "Dockerfile")


def becomes_a_link_elsewhere() -> None:
    Path("real").write_bytes(b"FROM other\n")
    os.remove("Dockerfile")
    os.symlink("real", "Dockerfile")


def becomes_a_folder() -> None:
    os.remove("Dockerfile")
    os.mkdir("Dockerfile")


def goes() -> None:
    os.remove("Dockerfile")


def is_edited() -> None:
    Path("Dockerfile").write_bytes(BROKEN + b"# mine\n")


@pytest.mark.parametrize(
    ("happens", "reason"),
    [
        (becomes_private, "changed while it was being fixed"),
        (becomes_a_link, "changed while it was being fixed"),
        (becomes_a_link_elsewhere, "changed while it was being fixed"),
        (becomes_a_folder, "is a folder"),
        (goes, "no such file"),
        (is_edited, "changed while it was being fixed"),
    ],
)
def test_what_changes_as_it_is_written_is_left_alone(
    happens: Callable[[], None], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = os.fsync
    found: list[object] = []

    def fsync(descriptor: int) -> None:
        original(descriptor)
        happens()
        found.append(picture())

    monkeypatch.setattr(os, "fsync", fsync)
    os.chmod("Dockerfile", 0o644)
    before = read("Dockerfile")
    with pytest.raises(ReplaceError) as caught:
        replace("Dockerfile", before, Source("Dockerfile", "FROM b\n"))

    assert str(caught.value) == f"{reason}; nothing was written"
    assert [picture()] == found


def picture() -> dict[str, tuple[int, str | bytes]]:
    """What lies here but for temporary files: mode, and content or where it leads."""
    found: dict[str, tuple[int, str | bytes]] = {}
    for path in Path().iterdir():
        if not path.name.endswith(".tmp"):
            mode = path.lstat().st_mode
            content = os.readlink(path) if path.is_symlink() else ""
            found[path.name] = mode, path.read_bytes() if stat.S_ISREG(mode) else content
    return found


def test_a_link_that_came_before_the_fix_stays_one() -> None:
    before = read("Dockerfile")
    becomes_a_link()
    replace("Dockerfile", before, Source("Dockerfile", "FROM b\n"))

    assert (os.readlink("Dockerfile"), Path("real").read_text()) == ("real", "FROM b\n")


# -- the end ---------------------------------------------------------------------------------------

ENDING = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
original = os.{step}
def end(*arguments):
    os.{step} = original
    if {after}:
        original(*arguments)
    os.kill(os.getpid(), signal.{name})
    if not {after}:
        return original(*arguments)
os.{step} = end
from stagelint.__main__ import run
sys.argv = ["stagelint", "--fix-only", "Dockerfile"]
run()
"""


def ended(step: str, name: str, *, after: bool = False) -> int:
    """The exit status of a run that the signal *name* meets at a *step* of writing."""
    program = ENDING.format(step=step, name=name, after=after)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert b"Traceback" not in done.stderr
    return done.returncode


@pytest.mark.parametrize("step", ["open", "fsync", "replace"])
def test_killed_before_the_file_is_replaced(step: str) -> None:
    assert ended(step, "SIGKILL") == -signal.SIGKILL
    assert Path("Dockerfile").read_bytes() == BROKEN
    left = [name for name in listing() if name != "Dockerfile"]
    assert len(left) <= 1  # SIGKILL lets nobody tidy up
    assert all(name.startswith(".stagelint-") and name.endswith(".tmp") for name in left)

    assert stagelint(".")[1].count(b"Found") == 1  # what is left is no Dockerfile
    assert stagelint("--fix-only") == (0, b"", b"")
    assert Path("Dockerfile").read_bytes() == FIXED


def test_killed_after_the_file_is_replaced() -> None:
    assert ended("replace", "SIGKILL", after=True) == -signal.SIGKILL
    assert Path("Dockerfile").read_bytes() == FIXED
    assert listing() == ["Dockerfile"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize(
    ("name", "status"),
    [("SIGINT", 130), ("SIGTERM", -signal.SIGTERM), ("SIGHUP", -signal.SIGHUP)],
)
def test_a_file_that_is_being_written_is_finished_first(step: str, name: str, status: int) -> None:
    assert ended(step, name) == status
    assert Path("Dockerfile").read_bytes() == FIXED
    assert listing() == ["Dockerfile"]


WHILE_A_CLASS_IS_MADE = """
import stagelint.cli
from stagelint.__main__ import run

class Attribute:
    def __set_name__(self, owner, name):
        raise KeyboardInterrupt

def main():
    class Owner:
        attribute = Attribute()

stagelint.cli.main = main
run()
"""


def test_ctrl_c_while_a_class_is_made() -> None:
    """Python 3.11 raises another exception then."""
    done = subprocess.run(
        [sys.executable, "-c", WHILE_A_CLASS_IS_MADE], capture_output=True, check=False
    )

    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


AT_ANY_TIME = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from stagelint.__main__ import run
sys.argv = ["stagelint", "--fix-only"]
print(flush=True)
run()
"""


@pytest.mark.slow
@pytest.mark.parametrize("milliseconds", range(5, 300, 15))
def test_ctrl_c_at_any_time(milliseconds: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", AT_ANY_TIME], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout
    process.stdout.readline()
    try:
        process.wait(milliseconds / 1000)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
    _, err = process.communicate()

    assert err in (b"", b"stagelint: interrupted\n")
    assert process.returncode in (0, 130)
    assert Path("Dockerfile").read_bytes() in (BROKEN, FIXED)
    assert listing() == ["Dockerfile"]


def test_a_defect_is_no_finding() -> None:
    program = (
        "import sys, stagelint.cli\n"
        "def main(): raise RecursionError('a defect')\n"
        "stagelint.cli.main = main\n"
        "from stagelint.__main__ import run\nrun()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)

    assert done.returncode == 2
    assert done.stderr.endswith(b"RecursionError: a defect\n")


def test_no_memory_left(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    def fail(path: str) -> Source:
        raise MemoryError

    monkeypatch.setattr(discover, "read", fail)

    assert main(["Dockerfile"]) == 2
    assert capfd.readouterr().err == "stagelint: out of memory\n"


# -- streams and names -----------------------------------------------------------------------------


@pytest.mark.parametrize("streams", [">&- 2>&- <&-", ">/dev/full 2>/dev/full"])
def test_nothing_can_be_said_and_the_file_is_fixed(streams: str) -> None:
    if "/dev/full" in streams and not os.path.exists("/dev/full"):
        pytest.skip("needs /dev/full")
    command = f'exec "$0" -m stagelint --fix-only Dockerfile {streams}'
    done = subprocess.run(["sh", "-c", command, sys.executable], check=False)

    assert done.returncode == 0
    assert Path("Dockerfile").read_bytes() == FIXED
    assert listing() == ["Dockerfile"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize(("arguments", "status"), [("Dockerfile", 1), ("--no-such-option", 2)])
def test_a_full_stderr_changes_nothing(arguments: str, status: int) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "stagelint", arguments],
            stdout=subprocess.PIPE,
            stderr=full,
            check=False,
        )

    assert done.returncode == status
    assert bool(done.stdout) == (status == 1)


def test_only_the_first_line_is_read() -> None:
    Path("Dockerfile").write_bytes(BROKEN * 3000)
    command = '{ "$0" -m stagelint Dockerfile; echo "status $?" >&2; } | head -n 1'
    done = subprocess.run(["sh", "-c", command, sys.executable], capture_output=True, check=False)

    assert (done.stdout.count(b"\n"), done.stderr) == (1, b"status 141\n")


@pytest.mark.parametrize(
    "name", [b"\xff\xe9.dockerfile", "é".encode() + b".dockerfile", b"x" * 244 + b".dockerfile"]
)
def test_names_whatever_the_locale(name: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    os.rename(b"Dockerfile", name)
    for variable in ("LC_ALL", "PYTHONIOENCODING", "PYTHONUTF8", "PYTHONCOERCECLOCALE"):
        value = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"}.get(variable, "0")
        monkeypatch.setenv(variable, value)

    assert stagelint(name)[0] == 1
    assert stagelint("--fix-only", ".") == (0, b"", b"")
    assert Path(os.fsdecode(name)).read_bytes() == FIXED
    assert os.listdir(b".") == [name]


def test_a_path_that_is_as_long_as_can_be() -> None:
    for _ in range(40):  # longer than a system call takes, from the root
        os.mkdir("d" * 120)
        os.chdir("d" * 120)
    Path("Dockerfile").write_bytes(BROKEN)
    status, _, err = stagelint("--fix-only", "Dockerfile")

    assert (status, err) in (
        (0, b""),
        (2, b"stagelint: Dockerfile: file name too long; nothing was written\n"),
    )
    assert Path("Dockerfile").read_bytes() == (BROKEN if status else FIXED)
    assert listing() == ["Dockerfile"]
