"""What real engines say of the images they have."""

from __future__ import annotations

import pytest

from bench.equivalence import builders
from stagelint.sizes import engines

MORE = b"FROM busybox\nRUN dd if=/dev/zero of=/three-megabytes bs=1M count=3\n"
#: Bytes that blocks of a disk may add to the few files of an image.
BLOCKS = 200_000


@pytest.mark.parametrize("containerd", [False, True])
def test_docker_says_sizes_unpacked(
    docker: builders.Docker, containerd: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Zeros are next to nothing when they are packed."""
    with builders.docker(busybox=True, containerd=containerd) as other:
        for name in ("DOCKER_HOST", "DOCKER_CONFIG", "PATH"):
            monkeypatch.setenv(name, other.env[name])
        other.run("build", "--tag", "registry.example.com/team/more:1.2", "-", data=MORE)
        other.run("import", "-", data=builders.busybox_tree())  # which has no name

        found = {(row.name, row.tag): row for row in engines.images("docker")}

    assert set(found) == {
        ("docker.io/library/busybox", "latest"),
        ("registry.example.com/team/more", "1.2"),
    }
    base, more = sorted(row.unpacked or 0 for row in found.values())
    size = builders.BUSYBOX.stat().st_size
    assert size <= base < size + BLOCKS
    assert base + (3 << 20) <= more < base + (3 << 20) + BLOCKS
    assert {row.platform.split("/")[0] for row in found.values()} == {"linux"}


def test_buildah_says_sizes_unpacked(
    buildah_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in buildah_env.items():
        monkeypatch.setenv(name, value)

    rows = [row for row in engines.images("buildah") if row.name == "localhost/busybox"]

    (row,) = rows
    size = builders.BUSYBOX.stat().st_size
    assert row.is_approximate
    assert size * 0.99 < (row.unpacked or 0) < size + 2 * BLOCKS
