"""What `COPY --chmod` applies to, and which modes files have without it: a real build."""

from __future__ import annotations

from pathlib import Path

from bench.equivalence import builders

DOCKERFILE = """\
FROM busybox
RUN mkdir -m 750 /there && touch /was && chmod 600 /was
COPY --chmod=640 folder /made/around/it
COPY --chmod=640 folder /there
COPY --chmod=777 folder /open
COPY --chmod=641 file /was
COPY --chmod=641 <<EOF /inline
EOF
COPY folder /plain
COPY <<EOF /was-not
EOF
RUN touch /masked && chmod 000 /masked && chmod +rwx /masked
"""
MODES = {
    "/made": "640",
    "/made/around": "640",
    "/made/around/it": "640",
    "/made/around/it/in": "640",
    "/made/around/it/in/it": "640",
    "/made/around/it/link": "777",
    "/there": "750",
    "/there/in": "640",
    "/open": "755",
    "/open/in": "777",
    "/was": "641",
    "/inline": "641",
    "/plain": "755",
    "/plain/in": "700",
    "/plain/in/it": "604",
    "/was-not": "644",
    "/masked": "755",
}


def test_chmod_is_for_all_that_is_copied_and_for_folders_that_are_made(
    docker: builders.Docker, tmp_path: Path
) -> None:
    (tmp_path / "folder" / "in").mkdir(parents=True)
    (tmp_path / "folder" / "in" / "it").touch()
    (tmp_path / "folder" / "in" / "it").chmod(0o604)
    (tmp_path / "folder" / "in").chmod(0o700)
    (tmp_path / "folder" / "link").symlink_to("in")
    (tmp_path / "file").touch()
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    docker.run("buildx", "build", "--load", "--tag", "modes", str(tmp_path))

    command = ("run", "--rm", "--user=0", "modes", "stat", "-c", "%n %a", *MODES)
    lines = docker.run(*command).stdout.splitlines()

    assert dict(each.split() for each in lines) == MODES
