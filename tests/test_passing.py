"""What is copied for one RUN and removed again: how that RUN can mount it, or why it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from stagelint import contexts
from stagelint.model.binding import Binding, bind
from stagelint.model.file import File, Options
from stagelint.model.passing import passings
from stagelint.source import Source

_USED = "RUN cat /tmp/x && rm /tmp/x"
_DIRECTIVE = "# syntax=docker/dockerfile:1.1\n"


def _bound(body: str, options: Options | None = None) -> list[Binding | str]:
    """How everything that passes through the last stage can be mounted."""
    begin = "" if body.startswith("#") else "FROM debian:trixie\n"
    file = File(Source("Dockerfile", f"{begin}{body}\n"), options)
    return [bind(file, each) for each in passings(file.histories[-1].own)]


@pytest.mark.parametrize(
    ("body", "note"),
    [
        (f"{_DIRECTIVE}FROM debian\nCOPY x /tmp/\n{_USED}", "what reads the file knows no mounts"),
        ("ENV P=/tmp/x\nCOPY x /tmp/\nRUN cat $P && rm $P", "a variable says what is removed"),
        (f"ARG N=x\nCOPY $N /tmp/x\n{_USED}", "a builder may say that it is called otherwise"),
        ("COPY x /opt/java/x\nRUN cat /opt/java/x && rm -r /opt/java", "the base image may have `/opt/java`"),
        (f"RUN touch /tmp/x\nCOPY x /tmp/\n{_USED}", "a RUN above may make `/tmp/x`, too"),
        (f"COPY . /tmp\nCOPY x /tmp/\n{_USED}", "COPY may bring something else to `/tmp/x`"),
        (f"COPY x d /tmp/\n{_USED}", "COPY may bring something else to `/tmp/x`"),
        ("COPY x a.tgz /tmp/d/\nRUN cat /tmp/d/x && tar -xf /tmp/d/a.tgz && rm -r /tmp/d",
         "COPY may bring something else to `/tmp/d`"),
        ("COPY x <<EOF /tmp/d/\nEOF\nRUN cat /tmp/d/x && rm -r /tmp/d", "COPY may bring something else to `/tmp/d`"),
        (f"COPY x /tmp/\nSHELL [\"pwsh\"]\nRUN x\nSHELL [\"sh\"]\n{_USED}", "a RUN cannot be read, and may need it"),
        ("COPY x /tmp/\nRUN rm /tmp/x", "no RUN is known to need it"),
        ("COPY x /tmp/d/\nRUN cat /tmp/d/x\nCOPY y /tmp/d/\nRUN rm -r /tmp/d",
         "some of it is copied below the RUN that needs it"),
        ("COPY x /tmp/\nRUN [\"cat\", \"/tmp/x\"]\nRUN rm /tmp/x", "what needs it is no line of commands"),
        ("COPY x /tmp/\nRUN --mount=type=cache,target=/tmp cat /tmp/x\nRUN rm /tmp/x",
         "something else is mounted there"),
        (f"USER www-data\nCOPY --from=a /x /tmp/\n{_USED}", "who needs it may not be allowed to read it"),
        ("COPY x /tmp/d/\nRUN ls /tmp/d && rm -r /tmp/d", "whether it is a file or a folder is not known"),
        ("COPY x /tmp/\nRUN cat /tmp/x && rm -r /tmp/x /tmp/*", "`rm` may remove more of it, or what is around it"),
        ("COPY x /tmp/\nRUN cd /tmp && ./tidy && rm x", "`tidy` may change, move or remove it"),
        ("COPY x /tmp/\nRUN cp -a /tmp/x /etc && rm /tmp/x", "`cp` may change, move or remove it"),
        ("COPY x /tmp/d/x\nRUN cat /tmp/d/x > /tmp/d/y && rm -r /tmp/d", "a command may write beside it"),
        ("COPY . /tmp/d\nRUN make -f /tmp/d/Makefile && rm -r /tmp/d", "`make` may change, move or remove it"),
        ("COPY --from=a /d /tmp/d\nRUN cd /tmp/d && make && rm -r /tmp/d", "`make` may care for whose it is"),
    ],
)  # fmt: skip
def test_it_is_refused(body: str, note: str) -> None:
    assert _bound(body)[:1] == [note]


@pytest.mark.parametrize(
    ("body", "options"),
    [
        (f"COPY ./x /tmp/\n{_USED}", ["source=x,target=/tmp/x"]),
        (f"COPY x /tmp/x\n{_USED}", ["source=x,target=/tmp/x"]),
        (f"COPY x /tmp\n{_USED}", ["source=x,target=/tmp/x"]),
        ("COPY x y /tmp/d/\nRUN cat /tmp/d/x /tmp/d/y && rm -r /tmp/d",
         ["source=x,target=/tmp/d/x", "source=y,target=/tmp/d/y"]),
        ("COPY d/ /tmp/d/\nRUN ls /tmp/d && rm -r /tmp/d", ["source=d,target=/tmp/d"]),
        (f"COPY --from=busybox:1 /x /tmp/x\n{_USED}", ["from=busybox:1,source=/x,target=/tmp/x"]),
        ("COPY x /tmp/\nRUN sed -i s/a/b/ /etc/hosts && sort /tmp/x >/etc/sorted && rm /tmp/x", ["source=x,target=/tmp/x"]),
        ("COPY x /tmp/x\nRUN echo y >> /tmp/x && cp /tmp/x /etc/x && rm /tmp/x", ["source=x,target=/tmp/x,rw"]),
        ("COPY . /srv/d\nRUN make -C /srv/d install && rm -r /srv/d", ["target=/srv/d,rw"]),
        ("COPY . /srv/d\nRUN cd /srv/d && ./configure && make install && cd / && rm -r /srv/d", ["target=/srv/d,rw"]),
    ],
)  # fmt: skip
def test_it_is_mounted(body: str, options: list[str]) -> None:
    (found,) = _bound(body)

    assert not isinstance(found, str)
    assert [*found.options()] == [f"--mount=type=bind,{each}" for each in options]


@pytest.mark.parametrize(
    ("script", "is_apart"),
    [
        ("rm -rf /tmp/other /var/tmp/* && cd /srv", True),
        ("rm -rf /tmp/*", False),
        ("rm -rf /tmp/s*", False),
        ("cd /tmp; rm *", False),
        ("find /tmp -delete", False),
        ('rm "$0"', False),
        ("rm ${BASH_SOURCE[0]}", False),
        ("mv /tmp/s.sh /srv", False),
        ('rm -rf "${TMPDIR:-/tmp}"', False),
    ],
)
def test_a_script_is_read(tmp_path: Path, script: str, is_apart: bool) -> None:
    (tmp_path / "s.sh").write_text(script)
    context = contexts.read(str(tmp_path), None)
    assert context
    options = Options(contexts_at=lambda: (context,))

    (found,) = _bound("COPY s.sh /tmp/\nRUN sh -e /tmp/s.sh --all && rm /tmp/s.sh", options)

    assert isinstance(found, Binding) is is_apart
