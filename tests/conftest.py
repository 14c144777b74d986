"""Snapshots lie beside their input: `fixtures/<case>/Dockerfile` -> `fixtures/<case>/expected/*`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.data import SnapshotCollection
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from syrupy.location import PyTestLocation
from syrupy.types import SnapshotIndex

from stagelint.cli import main

#: Tests look at everything anew, save those of the cache.
os.environ["STAGELINT_NO_CACHE"] = "1"

FIXTURES = Path(__file__).parent.parent / "fixtures"


class Expected(SingleFileSnapshotExtension):
    """One file a snapshot, byte for byte, in a folder of its own: syrupy deletes strangers."""

    _write_mode = WriteMode.TEXT
    file_extension = ""

    @classmethod
    def dirname(cls, *, test_location: PyTestLocation) -> str:
        params: dict[str, str] = getattr(
            getattr(test_location.item, "callspec", None), "params", {}
        )
        case: object = params.get("case")  # of other tests it may be anything
        if not isinstance(case, str):
            return super().dirname(test_location=test_location)
        return str(FIXTURES / case / "expected")

    @classmethod
    def get_snapshot_name(cls, *, test_location: PyTestLocation, index: SnapshotIndex = 0) -> str:
        return str(index)

    @classmethod
    def get_location(cls, *, test_location: PyTestLocation, index: SnapshotIndex) -> str:
        return str(Path(cls.dirname(test_location=test_location)) / str(index))

    def read_snapshot_data_from_location(
        self, *, snapshot_location: str, snapshot_name: str, session_id: str
    ) -> str | None:
        path = Path(snapshot_location)
        return path.read_bytes().decode("utf-8", "surrogateescape") if path.exists() else None

    @classmethod
    def write_snapshot_collection(
        cls, *, snapshot_collection: SnapshotCollection, name_order: dict[str, int] | None = None
    ) -> None:
        data = next(iter(snapshot_collection)).data
        path = Path(snapshot_collection.location)
        path.write_bytes(str(data).encode("utf-8", "surrogateescape"))


@pytest.fixture
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, and a git that knows no settings of the user."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    return tmp_path


@pytest.fixture
def said(capsysbinary: pytest.CaptureFixture[bytes]) -> Callable[..., tuple[int, bytes, bytes]]:
    """Runs the command in this process: its status, output and errors."""

    def run(*arguments: str) -> tuple[int, bytes, bytes]:
        capsysbinary.readouterr()
        status = main(arguments)
        out, err = capsysbinary.readouterr()
        return status, out, err

    return run


@pytest.fixture
def expected(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """Compares a text with `expected/<name>` of the fixture a test runs on."""
    return snapshot.use_extension(Expected)


@pytest.fixture
def in_copy_of_case(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs a test in a copy of its fixture, of which what is expected is no part."""
    case: str = request.getfixturevalue("case")
    folder = tmp_path / case
    shutil.copytree(FIXTURES / case, folder, ignore=shutil.ignore_patterns("expected"))
    monkeypatch.chdir(folder)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
