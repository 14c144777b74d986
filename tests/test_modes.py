"""What `chmod` makes of a mode: compared with the `chmod` of this machine."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from stagelint.model.modes import changed

MODES = (0o644, 0o755, 0o600, 0o664, 0o711, 0o400, 0o777, 0o000)


@pytest.mark.parametrize("is_folder", [False, True], ids=["file", "folder"])
@pytest.mark.parametrize(
    "mode",
    "755 0644 +x a+x u+x ug+rx +w +rwx a-x go-rwx =rx u=rwx,go=rx u=rw,g=r,o= a+X u+x,go+X = +xr u+x-w".split(),
)
def test_a_mode_is_what_chmod_makes(tmp_path: Path, mode: str, is_folder: bool) -> None:
    path = tmp_path / "it"
    path.mkdir() if is_folder else path.touch()

    for before in MODES:
        path.chmod(before)
        umask = 'umask 022; chmod -- "$@"'
        subprocess.run(["sh", "-c", umask, "sh", mode, path], check=True)

        assert changed(mode, before, is_folder=is_folder) == os.stat(path).st_mode & 0o7777


@pytest.mark.parametrize("mode", "4755 u+s +t g=u 7 =X 00755 --reference=a u:x".split())
def test_what_is_more_than_permissions_is_not_told(mode: str) -> None:
    assert changed(mode, 0o644) is None


def test_what_counts_has_to_be_known() -> None:
    assert changed("+x", None) is None
    assert changed("+x", 0o4755) is None
    assert changed("755", None) == 0o755
