"""Builders as processes: watched, ended in time, and never left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from threading import Lock, Timer, current_thread, main_thread
from time import monotonic
from types import FrameType

from stagelint.tuples import NamedTuple

#: Seconds a builder has to undo what it began, before it is killed.
GRACE = 10.0

#: A line of a builder that is longer comes in pieces.
_LINE = 16 << 20

#: Ends a process group when its own stdin ends without a word: whoever held it was killed.
_WATCHER = 'read -r _ && exit; kill -s TERM -- "-$1"; sleep 3; kill -s KILL -- "-$1"'


#: Why there is nothing to compare with.
OLD_FAILS = "the old file does not build (--context, --build-arg and the targets are yours to say)"


class CouldNotTellError(Exception):
    """There is no verdict. The message says why, *lines* are the last that the builder wrote."""

    def __init__(self, reason: str, lines: Sequence[str] = ()) -> None:
        super().__init__(reason)
        self.lines = tuple(lines)


class InterruptedBuildError(Exception):
    """Somebody asked the runner to stop."""


class Answer(NamedTuple):
    """What a program wrote, and its exit status."""

    status: int
    out: str
    err: str


class Runner:
    """Runs the programs of one verification, one after the other. `stop` may come from anywhere."""

    def __init__(self, timeout: float | None = None) -> None:
        """*timeout* as for `start`."""
        self._lock = Lock()
        self._alive: set[subprocess.Popen[bytes]] = set()
        self._stopped = False
        self.start(timeout)

    def start(self, timeout: float | None) -> None:
        """From now on all programs together have *timeout* seconds; None for as long as it takes."""
        self._timeout = timeout
        self._end = None if timeout is None else monotonic() + timeout

    def check(self) -> None:
        """Raises `InterruptedBuildError` or `CouldNotTellError` if there is no use in going on."""
        if self._stopped:
            raise InterruptedBuildError
        if self._end is not None and monotonic() > self._end:
            raise CouldNotTellError(f"it took longer than {self._timeout:g} seconds")

    def ask(self, command: Sequence[str], data: bytes | None = None) -> Answer:
        """Run *command*, with *data* to read, to its end.

        Raises as `check`, or if there is no such program.
        """
        stdin = subprocess.DEVNULL if data is None else subprocess.PIPE
        with self._running(command, subprocess.PIPE, os.environ, stdin) as process:
            out, err = process.communicate(data)
        return Answer(process.returncode, _text(out), _text(err))

    def follow(
        self,
        command: Sequence[str],
        line: Callable[[str], None],
        environ: Mapping[str, str] = os.environ,
    ) -> int:
        """Run *command*, hand every line it writes to *line*; returns its exit status.

        Raises as `ask`.
        """
        with self._running(command, subprocess.STDOUT, environ) as process:
            assert process.stdout
            while data := process.stdout.readline(_LINE):
                line(_text(data).rstrip("\r\n"))
            return process.wait()

    def stop(self) -> None:
        """End what runs and run nothing more; comes back when nothing is left."""
        with self._lock:
            self._stopped = True
            alive = list(self._alive)
        for process in alive:
            _end(process)

    @contextlib.contextmanager
    def _running(
        self,
        command: Sequence[str],
        stderr: int,
        environ: Mapping[str, str],
        stdin: int = subprocess.DEVNULL,
    ) -> Generator[subprocess.Popen[bytes]]:
        with self._lock:
            self.check()
            process = _start(command, stderr, environ, stdin)
            self._alive.add(process)
        timer = None
        if self._end is not None:
            timer = Timer(max(0.0, self._end - monotonic()), _end, [process])
            timer.daemon = True
            timer.start()
        try:
            with _watched(process):
                try:
                    yield process
                finally:
                    if process.poll() is None:
                        _end(process)
        finally:
            if timer:
                timer.cancel()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream:
                    stream.close()
            with self._lock:
                self._alive.discard(process)
        self.check()


def _start(
    command: Sequence[str], stderr: int, environ: Mapping[str, str], stdin: int
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=environ,
            start_new_session=True,  # Ctrl-C reaches us alone, and we end all of it in order
        )
    except OSError as error:
        raise CouldNotTellError(f"{command[0]}: {(error.strerror or str(error)).lower()}") from None


@contextlib.contextmanager
def _watched(process: subprocess.Popen[bytes]) -> Generator[None]:
    """Should we be killed in this block, *process* and all it started ends too."""
    if sys.platform == "win32":
        yield
        return
    with subprocess.Popen(
        ["/bin/sh", "-c", _WATCHER, "sh", str(process.pid)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as watcher:
        try:
            yield
        finally:
            watcher.communicate(b"all is well\n")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End *process* and all it started: kindly first, so that it takes down what it built up."""
    _signal(process, kill=False)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(GRACE)
    _signal(process, kill=True)
    process.wait()


def _signal(process: subprocess.Popen[bytes], *, kill: bool) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            process.kill() if kill else process.terminate()
        else:
            os.killpg(process.pid, signal.SIGKILL if kill else signal.SIGTERM)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


@contextlib.contextmanager
def orderly_end() -> Generator[None]:
    """Within the block the first SIGINT, SIGTERM or SIGHUP raises, and all later ones are ignored.

    So what was begun is undone, however impatient the sender; they stay ignored after the block,
    since the program ends. A signal that was ignored before stays so too. SIGINT raises
    `KeyboardInterrupt`, the others `SystemExit`.
    """
    names = [name for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    numbers = [signal.Signals[name] for name in names]
    kept = {each: signal.getsignal(each) for each in numbers}
    handled = [each for each in numbers if kept[each] not in (signal.SIG_IGN, None)]

    def once(number: int, frame: FrameType | None) -> None:
        for each in handled:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    if current_thread() is not main_thread():
        yield
        return
    try:
        for each in handled:
            signal.signal(each, once)
        yield
    finally:
        for each in handled:
            if signal.getsignal(each) is once:
                signal.signal(each, kept[each])
