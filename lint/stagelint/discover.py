"""Files: which ones to lint, reading them, replacing them."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

from stagelint.config import CACHE, Config, shown
from stagelint.source import Source
from stagelint.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import BinaryIO

#: What a Dockerfile is called, and which of these names are none after all.
NAMES = (
    r"(?i)(^|/)([^/]+[._-])?(dockerfile|containerfile)([._-][^/]*)?$",
    (
        r"(?i)\.(dockerignore|containerignore|md|rst|txt|adoc|html?|py|go|js|ts|rb|rs|java|sh|ya?ml"
        r"|json|toml|lock|j2|jinja2?|m4|tmpl|tpl|erb|mustache|gotmpl|template|in|rego|earth|orig|bak|failed|swp|snap"
        r"|diff|patch)$"
    ),
)
#: What stands for the standard input in the place of a path.
STDIN = "-"
_SKIPPED = frozenset({".git", "node_modules", CACHE})
_LIMIT = 32 << 20
#: Files that people write are seldom longer.
_SHORT = 1 << 16

#: What a git hook sets for its own repository; the folder that is searched may lie in another.
_GIT_STATE = frozenset(
    {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR", "GIT_NAMESPACE"}
)
#: Seconds for git to answer.
PATIENCE = 120
_SUBMODULE = "160000"
#: A link to a folder on Windows that is not called one.
_JUNCTION = 0xA0000003

ConfigFor = Callable[[str], Config]
#: Names of files by absolute folder, as git lists them.
Listed = dict[str, list[str]]


class ReplaceError(OSError):
    """A file was not replaced, and is as it was; the message says why, without its path."""


def is_dockerfile(path: str) -> bool:
    """Is the file called like a Dockerfile?"""
    name = os.path.basename(path)
    if "file" not in name.lower():  # most files: the expressions are compiled when they are needed
        return False
    wanted, unwanted = NAMES
    return bool(re.search(wanted, name)) and not re.search(unwanted, name)


def find(
    paths: Sequence[str],
    config_for: ConfigFor,
    *,
    force_exclude: bool = False,
    extra_excludes: Sequence[str] = (),
    listed: Listed | None = None,
) -> Iterator[str]:
    """The files to lint, sorted, each once: those named in *paths* and those found in its folders.

    A named file counts even if it is excluded, unless *force_exclude*, or does not exist. The
    globs *extra_excludes* are relative to the current folder. *listed* gets what git has listed.
    Raises what *config_for* raises.
    """
    search = _Search(config_for, Config(exclude=tuple(extra_excludes)), listed)
    found: dict[str, str] = {}
    for path in paths:
        if force_exclude and search.is_excluded(path):
            continue
        files = search.folder(path) if os.path.isdir(path) else (path,)
        for file in files:
            found.setdefault(os.path.normcase(os.path.abspath(file)), file)
    yield from sorted(found.values(), key=lambda file: os.path.normpath(file).split(os.sep))


class _Search:
    """Looks for Dockerfiles in folders."""

    def __init__(self, config_for: ConfigFor, extra: Config, listed: Listed | None) -> None:
        self._config_for = config_for
        self._listed = {} if listed is None else listed
        self._extra = extra
        self._excluded: dict[tuple[str, str | None], bool] = {}

    def is_excluded(self, path: str) -> bool:
        """Is *path* or a folder it lies in excluded?"""
        return self._is_excluded(os.path.abspath(path), None)

    def _is_excluded(self, path: str, start: str | None) -> bool:
        """Is *path* or a folder it lies in excluded? Folders from *start* upwards do not count.

        Both are absolute. From the outermost folder inwards each is judged by the configuration that
        holds where it lies: what is below an excluded one cannot speak for itself.
        """
        at = path
        climbed: list[str] = []
        while at != start and (at, start) not in self._excluded:
            above = os.path.dirname(at)
            if above == at:
                break
            climbed.append(at)
            at = above
        excluded = self._excluded.get((at, start), False)
        for each in reversed(climbed):
            excluded = excluded or self._excludes(each)
            self._excluded[each, start] = excluded
        return excluded

    def _excludes(self, path: str) -> bool:
        configs = (self._extra, self._config_for(path))
        return any(config.is_excluded(path, above=False) for config in configs)

    def folder(self, start: str) -> Iterator[str]:
        """The files to lint below *start*, called as the user called that."""
        prefix = "" if start.rstrip("/" + os.sep) == os.curdir else start
        top = os.path.abspath(start)
        waiting = [""]
        while waiting:
            within = waiting.pop()
            idle: dict[str, bool] = {}
            for found in self._below(os.path.join(prefix, within), is_start=not within):
                above, _, last = found.rpartition("/")
                if last and not is_dockerfile(last):  # most files: nobody need look twice
                    if above not in idle:
                        beside = os.path.join(top, within, above, "Dockerfile")
                        idle[above] = self._is_idle(beside, top)
                    if idle[above]:
                        continue
                name = os.path.join(within, found.rstrip("/").replace("/", os.sep))
                path = os.path.join(prefix, name)
                full = os.path.join(top, name)
                if self._is_excluded(os.path.dirname(full), top):
                    continue
                if not last:
                    if not self._is_excluded(full, top):
                        waiting.append(name)
                elif self._is_wanted(path) and not self._is_excluded(full, top):
                    yield path

    def _below(self, folder: str, *, is_start: bool) -> Iterator[str]:
        """The names of files to look at; what is to be searched by itself ends in `/`."""
        names = None
        if is_start or os.path.lexists(os.path.join(folder, ".git")):
            names = _git_names(folder)
            if names is not None:
                self._listed[os.path.abspath(folder)] = names
        for name in _names(folder) if names is None else names:
            if _SKIPPED.isdisjoint(name.split("/")):
                yield name

    def _is_idle(self, path: str, start: str) -> bool:
        """Is of the files beside *path* none wanted but for its name?"""
        return self._is_excluded(os.path.dirname(path), start) or not self._config_for(path).include

    def _is_wanted(self, path: str) -> bool:
        if not is_dockerfile(path) and not self._config_for(path).is_included(path):
            return False
        return os.path.isfile(path) or (os.path.islink(path) and not os.path.exists(path))


def all_files(root: str, listed: Listed | None = None) -> Iterator[str]:
    """The files below the folder *root*, relative to it and with `/`: all that git does not ignore.

    Repositories inside belong to it; links to folders are not followed. git is not asked about what
    it has *listed* to `find`.
    """
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        here = os.path.join(root, folder)
        names = listed.get(os.path.abspath(here)) if listed else None
        if names is None and (not folder or os.path.lexists(os.path.join(here, ".git"))):
            names = _git_names(here)
        for name in _names(here) if names is None else names:
            if not _SKIPPED.isdisjoint(name.split("/")):
                continue
            path = f"{folder}/{name}" if folder else name
            if name.endswith("/"):
                waiting.append(path[:-1])
            else:
                yield path


def repository_of(path: str) -> str | None:
    """The folder of the git repository in which the file *path* lies."""
    at = os.path.abspath(os.path.dirname(path) or os.curdir)
    while not os.path.lexists(os.path.join(at, ".git")):
        above = os.path.dirname(at)
        if above == at:
            return None
        at = above
    return at


def folders_above(path: str) -> Iterator[str]:
    """The folder of the file *path*, and those above it up to that of its git repository."""
    folder = os.path.dirname(path) or os.curdir
    yield folder
    root = repository_of(path)
    at = os.path.abspath(folder)
    while root is not None and at != root:
        at = os.path.dirname(at)
        yield os.path.relpath(at)


def _names(folder: str) -> Iterator[str]:
    """What lies in *folder*; the names of folders end in `/`, save links to them."""
    try:
        with os.scandir(folder or os.curdir) as entries:
            for entry in entries:
                yield entry.name + "/" * _is_folder(entry)
    except OSError:
        return


def _is_folder(entry: os.DirEntry[str]) -> bool:
    if not entry.is_dir(follow_symlinks=False):
        return False
    status = entry.stat(follow_symlinks=False)
    return getattr(status, "st_reparse_tag", 0) != _JUNCTION


def _git_names(folder: str) -> list[str] | None:
    """What git tracks or does not ignore below *folder*; None if git does not know the folder.

    Files, and repositories inside with `/` at the end. The repository is not trusted: nothing
    that its configuration names is run, nothing is fetched.
    """
    what = ("-z", "--cached", "--others", "--exclude-standard", "--stage", "-t")
    try:
        status, output, _ = git(folder, "ls-files", *what)
    except OSError:
        return None
    names = _entries(output) if status == 0 else ["./"]
    return None if "./" in names else names  # an empty submodule's place lists itself alone


def git(
    folder: str, *arguments: str, settings: Sequence[str] = (), index: str | None = None
) -> tuple[int, str, str]:
    """Status, output and errors of git in *folder*, with *settings* for its `-c`.

    The repository is not trusted: no monitor, hook or pager that its configuration names is run, and
    nothing is fetched. *index* is a file to take for its index. Raises `OSError` if there is no git,
    or it takes longer than `PATIENCE`, as where its `.gitignore` is a pipe.
    """
    program = _git()
    if program is None:
        raise FileNotFoundError("there is no program git")
    import subprocess

    kept = {key: value for key, value in os.environ.items() if key not in _GIT_STATE}
    safe = {"GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0"}
    safe |= {"GIT_INDEX_FILE": index} if index else {}
    settings = ("core.fsmonitor=false", f"core.hooksPath={os.devnull}", *settings)
    options = [part for each in settings for part in ("-c", each)]
    try:
        done = subprocess.run(
            [program, "--no-pager", *options, *arguments],
            cwd=folder or None,
            env={**kept, **safe},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired:
        raise TimeoutError(f"git takes longer than {PATIENCE} seconds") from None
    return done.returncode, os.fsdecode(done.stdout), os.fsdecode(done.stderr)


def _entries(listing: str) -> list[str]:
    """The names in `? NAME` (untracked) and `TAG MODE HASH STAGE<tab>NAME`."""
    found: list[str] = []
    for record in filter(None, listing.split("\0")):
        if record.startswith("? "):
            found.append(record[2:])
        else:
            status, _, name = record.partition("\t")
            is_folder = status.split(" ")[1] == _SUBMODULE
            found.append(name.rstrip("/") + "/" * is_folder)
    return found


def _git() -> str | None:
    """The program git, never one that lies in the current folder."""
    name = "git.exe" if os.name == "nt" else "git"
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        path = os.path.join(folder, name)
        if os.path.isabs(folder) and os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return None


# -- reading and replacing -----------------------------------------------------------------------


def read(path: str, *, waits: bool = True) -> Source:
    """The text at *path*; if it cannot be read, an empty one whose `error` says why.

    A pipe is waited for if *waits*: that is for those that the user has named.
    """
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            return Source(path, "", "is a folder")
        if not stat.S_ISREG(mode) and not (waits and stat.S_ISFIFO(mode)):
            return Source(path, "", "not a regular file")
        with open(path, "rb") as file:
            return _source(path, file)
    except (OSError, ValueError) as error:
        return Source(path, "", _reason(path, error))


def read_regular(path: str, limit: int) -> bytes | None:
    """The bytes of a regular file; None if there are more than *limit*. Raises `OSError`."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        return b""
    with open(path, "rb") as file:
        data = _at_most(limit + 1, file)
    return None if len(data) > limit else data


def read_named(path: str, stdin_filename: str | None) -> Source:
    """The text at *path*, or of stdin, which is then called *stdin_filename*."""
    return read_stdin(stdin_filename or STDIN) if path == STDIN else read(path)


def read_head(path: str, size: int) -> bytes | None:
    """The first *size* bytes of a regular file; None if it is none. Raises `OSError`."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        return None
    with open(path, "rb") as file:
        return file.read(size)


def read_stdin(path: str = "-") -> Source:
    """The text of the standard input, which is called *path*; `error` as for `read`."""
    if sys.stdin is None:  # pyright: ignore[reportUnnecessaryComparison]
        return Source(path, "", "standard input is closed")
    try:
        return _source(path, sys.stdin.buffer)
    except (OSError, ValueError) as error:
        return Source(path, "", _reason("", error))


def _at_most(count: int, file: BinaryIO) -> bytes:
    """The first *count* bytes; to make room for all of them takes longer than to read a short file."""
    data = file.read(min(count, _SHORT))
    return data if len(data) < _SHORT else data + file.read(count - len(data))


def _source(path: str, file: BinaryIO) -> Source:
    data = _at_most(_LIMIT + 1, file)
    if len(data) > _LIMIT:
        return Source(path, "", f"larger than {_LIMIT >> 20} MiB")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Source(path, "", "is UTF-16, and BuildKit reads UTF-8")
    if b"\0" in data and not re.search(rb"(?im)^(?:\xef\xbb\xbf)?[\t\v\f\r ]*FROM(?!\S)", data):
        return Source(path, "", "is not text")
    return Source.from_bytes(path, data)


def _reason(path: str, error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError) and os.path.islink(path):
        return f"broken link to {shown(os.readlink(path))}"
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return "no such file"
    if isinstance(error, PermissionError):
        return "permission denied"
    if isinstance(error, IsADirectoryError):
        return "is a folder"
    return shown(getattr(error, "strerror", None) or str(error)).lower()


def replace(
    path: str, before: Source, after: Source, *, within: Iterable[str] | None = None
) -> None:
    """Put *after* in the place of *before* at *path*, wholly or not at all.

    A link stays one: the file it leads to is replaced. Raises `ReplaceError` if that file is not
    *before* any more, cannot be written, or lies neither in the folders *within* nor in the git
    repositories around them: a link that nobody named may lead anywhere.
    """
    try:
        if within is not None and not _lies_in(within, path):
            raise ReplaceError("is a link to a file outside; nothing was written")
        _replace(os.path.realpath(path), before.to_bytes(), after.to_bytes())
    except ReplaceError:
        raise
    except OSError as error:
        raise ReplaceError(f"{_reason(path, error)}; nothing was written") from error


def _lies_in(folders: Iterable[str], path: str) -> bool:
    full = os.path.realpath(path)
    roots = (repository_of(os.path.join(folder, "")) or folder for folder in folders)
    return any(full.startswith(os.path.join(os.path.realpath(root), "")) for root in roots)


def replace_all(changes: Sequence[tuple[str, Source, Source]]) -> None:
    """Put every *after* in the place of its *before*: `(path, before, after)`; all or none.

    If one cannot be written, those that were are put back. Raises `ReplaceError`.
    """
    done: list[tuple[str, Source, Source]] = []
    for path, before, after in changes:
        try:
            replace(path, before, after)
        except BaseException as error:
            lost = [each[0] for each in done if not _is_put_back(*each)]
            if lost:
                raise ReplaceError(f"{error}; and could not put back {', '.join(lost)}") from error
            if isinstance(error, OSError):
                raise ReplaceError(f"{path}: {error}") from error
            raise
        done.append((path, before, after))


def _is_put_back(path: str, before: Source, after: Source) -> bool:
    try:
        replace(path, after, before)
    except OSError:
        return False
    return True


def write_new(path: str, source: Source) -> None:
    """Put the text of *source* at *path*, in the place of any file that is there. Raises `OSError`.

    It gets owner and mode of the file that *source* is named after.
    """
    like = os.stat(source.path)
    with _temporary(path) as temporary:
        _write(temporary, source.to_bytes(), like)
        os.replace(temporary, path)


def put(path: str, data: bytes) -> None:
    """Put *data* at *path*, in the place of any file that is there: wholly or not at all.

    A link stays one, and a file keeps owner and mode. What is no regular file, such as a pipe, or
    stands for one that is open, such as /dev/stderr, is written to. Raises `ReplaceError`.
    """
    is_open = path.startswith("/dev/")
    path = path if is_open else os.path.realpath(path)
    try:
        like = os.stat(path) if os.path.exists(path) else None
        if is_open or (like and not stat.S_ISREG(like.st_mode)):
            with open(path, "ab") as file:
                file.write(data)
            return
        with _temporary(path) as temporary:
            if like:
                _write(temporary, data, like)
            else:
                with open(temporary, "xb") as file:
                    file.write(data)
            os.replace(temporary, path)
    except OSError as error:
        raise ReplaceError(f"{_reason(path, error)}; nothing was written") from error


def create(path: str, source: Source) -> None:
    """Put the text of *source* at *path*, where nothing is yet: wholly or not at all.

    Raises `ReplaceError` if something is there by now, or it cannot be written.
    """
    try:
        with _temporary(path) as temporary:
            with open(temporary, "xb") as file:
                file.write(source.to_bytes())
                file.flush()
                os.fsync(file.fileno())
            if os.path.lexists(path):
                raise ReplaceError("was made by somebody else meanwhile; nothing was written")
            os.replace(temporary, path)
    except ReplaceError:
        raise
    except OSError as error:
        raise ReplaceError(f"{_reason(path, error)}; nothing was written") from error


@contextlib.contextmanager
def _temporary(path: str) -> Generator[str]:
    """A name for a file beside *path* that nobody else has, and that is gone in the end.

    What would end the process waits until then; against SIGKILL nothing helps.
    """
    name = f".stagelint-{os.getpid()}-{os.urandom(4).hex()}.tmp"
    temporary = os.path.join(os.path.dirname(path), name)
    with _undisturbed():
        try:
            yield temporary
        finally:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


@contextlib.contextmanager
def _undisturbed() -> Generator[None]:
    """Lets Ctrl-C and its like come when this is over."""
    if sys.platform == "win32":
        yield
        return
    import signal  # only who writes needs it

    before = signal.pthread_sigmask(
        signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    )
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _replace(path: str, before: bytes, after: bytes) -> None:
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise ReplaceError("not a regular file; nothing was written")
    if not os.access(path, os.W_OK):
        raise ReplaceError("is read-only; nothing was written")
    if status.st_nlink > 1:
        raise ReplaceError(
            "has other names (hard links), which would be cut off; nothing was written"
        )
    with _temporary(path) as temporary:
        _write(temporary, after, status)
        _copy_attributes(path, temporary)
        if _owner(os.stat(temporary)) != _owner(status):
            raise ReplaceError("would not keep its owner and group; nothing was written")
        with open(path, "rb") as file:  # as late as can be, so that little can come in between
            is_same = file.read(len(before) + 1) == before
        now = os.lstat(path)  # which may have become a link
        if not is_same or (now.st_mode, _owner(now)) != (status.st_mode, _owner(status)):
            raise ReplaceError("changed while it was being fixed; nothing was written")
        os.replace(temporary, path)


def _owner(status: os.stat_result) -> tuple[int, int]:
    return status.st_uid, status.st_gid


def _copy_attributes(path: str, to: str) -> None:
    """Give *to* what users noted about *path*, and who else may read it."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # not every file system has them
            for name in os.listxattr(path):
                if name.startswith("user.") or name == "system.posix_acl_access":
                    os.setxattr(to, name, os.getxattr(path, name))


def _write(path: str, data: bytes, like: os.stat_result) -> None:
    """A new file, readable for nobody else until it has owner and mode of *like*."""
    with open(path, "xb", opener=_open_private) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    if sys.platform != "win32":
        for owner, group in ((-1, like.st_gid), (like.st_uid, -1)):
            with contextlib.suppress(OSError):
                os.chown(path, owner, group)
    os.chmod(path, stat.S_IMODE(like.st_mode))


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
