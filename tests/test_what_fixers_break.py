"""Mistakes that fixers make: inputs on which one breaks the file, or changes what it builds.

Each case stands between stages that stagelint does fix. `broken` is what becomes of it elsewhere;
that the comparison objects to it shows that the comparison can object.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from textwrap import dedent
from typing import NamedTuple

import pytest

from stagelint.edit import Guarantee
from stagelint.engine import Fixed, fix
from stagelint.model import File, Options
from stagelint.proof import Difference, same_build
from stagelint.registry import Registry, Ruleset
from stagelint.source import Source
from stagelint.syntax.nodes import Instruction

REGISTRY = Registry()
#: All but the rule that adds a mount on purpose, which is compared with nothing here.
RULESET = Ruleset(REGISTRY, REGISTRY.expand(["ALL"]) - {"SL309"})

FRAME = """\
FROM golang:1.25
RUN go build -o /app

FROM busybox
RUN nobody needs this

{}COPY --from=0 /app /app
"""


def safe(guarantee: Guarantee) -> bool:
    return guarantee.is_safe


def everything(_guarantee: Guarantee) -> bool:
    return True


def fixed(source: Source, accepts: Callable[[Guarantee], bool]) -> Fixed:
    return fix(source, Options(), RULESET, accepts)


# -- what is compared ------------------------------------------------------------------------------


#: Words that fixes for package managers add on purpose; how often they stand there is not compared.
ADDED = frozenset("--no-install-recommends --no-cache && rm -rf /var/lib/apt/lists/*".split())


def words(file: File) -> object:
    """The words of every instruction of a case, in any order: packages may be sorted, not lost."""
    return [
        (each.keyword, sorted(word for word in _words(each) if word not in ADDED))
        for each in _own(file)
    ]


def flags(file: File) -> object:
    return [(each.keyword, [flag.name for flag in each.flags]) for each in _own(file)]


def image(file: File) -> object:
    """The values of ENV, LABEL and all other metadata of the last stage."""
    assert file.final is not None
    return file.build.target(file.final.index).config


def _own(file: File) -> list[Instruction]:
    stages = [each for each in file.stages if each.base.raw not in ("golang:1.25", "busybox")]
    return [each for stage in stages for each in (stage.opening, *stage.instructions)]


def _words(instruction: Instruction) -> list[str]:
    if instruction.is_json:
        return [argument.value for argument in instruction.arguments]
    return shlex.split(instruction.rest)


def comments(file: File) -> list[str]:
    lines = (line.strip() for line in file.source.text.splitlines())
    return [line for line in lines if line.startswith("#")]


def objections(
    before: File, after: File, keeps: Callable[[File], object], *, same: bool
) -> list[str]:
    """What is wrong with a rewrite of *before*; *same*: it must build the same as well."""
    known = {problem.kind for problem in before.problems}
    errors = [each.message for each in after.problems if each.kind not in known]
    if errors:
        return errors
    found: list[str] = []
    if comments(before) != comments(after):
        found.append("comments differ")
    if keeps(before) != keeps(after):
        found.append(f"{keeps.__name__} differ")
    if same:
        try:
            same_build(before, after)
        except Difference as difference:
            found.append(str(difference))
    return found


# -- the cases -------------------------------------------------------------------------------------


class Case(NamedTuple):
    text: str
    good: str
    """What in the text is broken elsewhere"""
    bad: str
    """by what it becomes."""
    keeps: Callable[[File], object] = words

    def file(self, *, broken: bool = False) -> File:
        text = dedent(self.text).lstrip("\n")
        if broken:
            assert text.count(self.good) == 1
            text = text.replace(self.good, self.bad)
        return File(Source("Dockerfile", FRAME.format(text)))


CASES = {
    "01 the last package loses its continuation": Case(
        r"""
        FROM debian:12
        RUN apt-get update && apt-get install -y \
            xz-utils \
            git \
            && rm -rf /var/cache/apt
        """,
        "xz-utils \\\n    git \\\n",
        "git xz-utils\n",
    ),
    "02 the command behind the packages is deleted": Case(
        r"""
        FROM debian:12
        RUN apt-get install -y tar \
            patch make && rm -rf /var/cache/apt
        """,
        "tar \\\n    patch make && rm -rf /var/cache/apt",
        "make patch tar",
    ),
    "03 a comment between packages": Case(
        r"""
        FROM debian:12
        RUN apt-get install -y \
            xz-utils \
            # for the sources
            git \
            && rm -rf /var/cache/apt
        """,
        "xz-utils \\\n    # for the sources\n    git \\\n",
        "git xz-utils\n",
    ),
    "03 packages that end with && and a continuation": Case(
        r"""
        FROM debian:12
        RUN apt-get install -y xz-utils \
            git && \
            rm -rf /var/cache/apt
        """,
        "xz-utils \\\n    git && \\\n",
        "git xz-utils\n",
    ),
    "03 an option on a line of its own": Case(
        r"""
        FROM debian:12
        RUN apt-get install -y \
            --no-install-recommends \
            xz-utils \
            git
        """,
        "--no-install-recommends \\\n    xz-utils \\\n    git\n",
        "git xz-utils\n    --no-install-recommends\n",
    ),
    "03 a blank becomes part of a package's name": Case(
        r"""
        FROM debian:12
        RUN apt-get install -y xz-utils \
            git-lfs bzip2
        """,
        "xz-utils \\\n    git-lfs bzip2",
        "bzip2 \\ git-lfs xz-utils",
    ),
    "04 double quotes become part of a value": Case(
        'FROM alpine\nENV GREETING "good day"\n', ' "good day"', r'="\"good day\""', image
    ),
    "04 single quotes become part of a value": Case(
        "FROM alpine\nENV GREETING 'good day'\n", " 'good day'", "=\"'good day'\"", image
    ),
    "04 a backslash becomes part of a value": Case(
        "FROM alpine\nENV GREETING good\\ day\n", r" good\ day", r'="good\\ day"', image
    ),
    "04 quotes become part of a label": Case(
        'FROM alpine\nLABEL authors "Ann <ann@example.org>"\n',
        ' "Ann <ann@example.org>"',
        r'="\"Ann <ann@example.org>\""',
        image,
    ),
    "05 the second line of an old ENV is no pair": Case(
        'FROM alpine\nENV ONE "1" \\\n    TWO "2"\n', 'ONE "1"', 'ONE="1"', image
    ),
    "05 the second line of an old LABEL is no pair": Case(
        'FROM alpine\nLABEL org.one = "1" \\\n    org.two = "2"\n', "org.one = ", "org.one=", image
    ),
    "06 the comment above a bare # is lost": Case(
        """
        FROM alpine
        RUN make
        # Why this is here.
        #
        # And until when.
        ENV STAYS=1
        """,
        "# Why this is here.\n#\n# And until when.\n",
        "\n# And until when.\n",
    ),
    "07 a path is cut in two": Case(
        "FROM alpine\nCOPY ./buildx /usr/bin/buildx\n",
        "/usr/bin/buildx",
        "/usr/bin/bui \\\n    dx",
    ),
    "07 a path loses letters": Case(
        "FROM alpine\nRUN rm -rf /etc/apache2 && mkdir /srv/www\n", "/etc/apache2", "/etc/ape2"
    ),
    "07 an installation is there twice": Case(
        "FROM debian:12\nRUN apt-get install -y git && git --version\n",
        "apt-get install -y git",
        "apt-get install -y git && apt-get install -y git",
    ),
    "08 of a superseded CMD one line becomes a comment": Case(
        'FROM alpine\nCMD serve \\\n    --port 80\nCMD ["serve"]\n',
        "CMD serve",
        "# CMD serve",
        image,
    ),
    "08 of a continued MAINTAINER one line is replaced": Case(
        "FROM alpine\nMAINTAINER Ann \\\n    <ann@example.org>\n",
        "MAINTAINER Ann \\\n",
        'LABEL authors="Ann"\n',
        image,
    ),
    "08 a variable in MAINTAINER comes to be expanded": Case(
        "FROM alpine\nENV WHO=Ann\nMAINTAINER $WHO\n",
        "MAINTAINER $WHO",
        'LABEL authors="$WHO"',
        image,
    ),
    "09 an archive among several is not unpacked": Case(
        "FROM alpine\nADD src.tgz conf/ /opt/\n", "ADD", "COPY"
    ),
    "09 an archive in a variable is not unpacked": Case(
        "FROM alpine\nARG SRC=src.tgz\nADD $SRC /\n", "ADD", "COPY"
    ),
    "09 an archive behind a wildcard is not unpacked": Case(
        "FROM alpine\nADD rootfs* /\n", "ADD", "COPY"
    ),
    "10 the mode of a folder comes to be that of its files": Case(
        "FROM alpine\nCOPY conf /conf\nRUN chmod 755 /conf\n",
        "COPY conf /conf\nRUN chmod 755 /conf\n",
        "COPY --chmod=755 conf /conf\n",
        flags,
    ),
    "11 a fix hits the wrong line where newlines differ": Case(
        "FROM alpine\r\nRUN one\nRUN two\r\nRUN three\n", "RUN two\r\n", "RUN t\r\nwo"
    ),
    "11 a fix drops a line where newlines differ": Case(
        "FROM alpine\r\nRUN one\nRUN two\r\nRUN three\n", "RUN two\r\n", ""
    ),
    "12 the step after packages is deleted": Case(
        r"""
        FROM alpine AS make
        RUN apk add --no-cache \
            bash \
            curl
        RUN make static
        FROM alpine
        COPY --from=make /static /
        """,
        "RUN apk add --no-cache \\\n    bash \\\n    curl\nRUN make static\n",
        "RUN --mount=type=cache,target=/var/cache/apk apk add bash curl\n",
    ),
    "12 the FROM after packages is deleted and two stages are one": Case(
        """
        # stagelint: target
        FROM alpine AS make
        RUN apk add --no-cache \\
        \tbash \\
        \tcurl
        RUN make static
        FROM alpine
        RUN apk add tzdata
        """,
        "--no-cache \\\n\tbash \\\n\tcurl\nRUN make static\nFROM alpine\n",
        "bash curlalpine\n",
    ),
    "13 a dollar in single quotes comes to be expanded": Case(
        "FROM alpine\nRUN echo 'at $HOME' > /note\n",
        "RUN echo 'at $HOME' > /note\n",
        "COPY <<EOF /note\nat $HOME\nEOF\n",
    ),
    "14 of a continued CMD only the first line is read": Case(
        "FROM alpine\nCMD serve \\\n    --port 80\n", "CMD serve \\\n", 'CMD ["serve","\\\\"]\n'
    ),
    "15 an owner is given to what USER should not own": Case(
        "FROM alpine\nUSER app\nCOPY conf /conf\n", "COPY conf", "COPY --chown=app conf", flags
    ),
    "15 a signal is set": Case("FROM nginx\nRUN conf\n", "nginx\n", "nginx\nSTOPSIGNAL SIGQUIT\n"),
    "15 a variable is set": Case(
        "FROM ruby\nRUN bundle install\n", "ruby\n", 'ruby\nENV BUNDLE_DEPLOYMENT="1"\n', image
    ),
    "15 an author becomes a label": Case(
        "FROM alpine\nMAINTAINER Ann\n",
        "MAINTAINER Ann",
        'LABEL org.opencontainers.image.authors="Ann"',
        image,
    ),
}


#: Who asks for all fixes gets a label, with the text that MAINTAINER has.
ON_DEMAND = {
    "08 a variable in MAINTAINER comes to be expanded": r'LABEL maintainer="\$WHO"',
    "15 an author becomes a label": 'LABEL maintainer="Ann"',
}


@pytest.mark.parametrize("name", ON_DEMAND)
def test_an_author_becomes_a_label_on_demand(name: str) -> None:
    case = CASES[name]

    once = fixed(case.file().source, everything)

    assert f"\n{ON_DEMAND[name]}\n" in once.source.text
    assert {each.fix.guarantee for each in once.applied if each.fix and each.code == "BK007"} == {
        Guarantee.BEHAVIOUR
    }


@pytest.mark.parametrize(
    ("name", "accepts"),
    [
        (name, accepts)
        for name in CASES
        for accepts in (safe, everything)
        if accepts is safe or name not in ON_DEMAND
    ],
)
def test_stagelint_keeps(name: str, accepts: Callable[[Guarantee], bool]) -> None:
    case = CASES[name]
    before = case.file()
    assert not before.problems

    once = fixed(before.source, accepts)
    after = File(once.source)

    assert {each.code for each in once.applied} >= {"SL101", "SL102"}
    assert once.withheld == []
    assert objections(before, after, case.keeps, same=accepts is safe) == []
    assert fixed(once.source, accepts).source.text == once.source.text


@pytest.mark.parametrize("same", [True, False])
@pytest.mark.parametrize("name", CASES)
def test_what_others_make_of_it_is_objected_to(name: str, same: bool) -> None:
    case = CASES[name]

    assert objections(case.file(), case.file(broken=True), case.keeps, same=same)


# -- whole files -----------------------------------------------------------------------------------

WHOLE = {
    "CRLF and LF": (
        b"FROM golang\r\nRUN go build\n\r\nFROM dead\nRUN dead\r\n\nFROM scratch\r\nCOPY --from=0 a b\nCMD [\"c\"]\r\n",
        b"FROM golang AS build\r\nRUN go build\n\r\nFROM scratch\r\nCOPY --from=build a b\nCMD [\"c\"]\r\n",
    ),
    "no newline at the end": (
        b"FROM golang\nRUN go build\n\nFROM dead\n\nFROM scratch\nCOPY --from=0 a b",
        b"FROM golang AS build\nRUN go build\n\nFROM scratch\nCOPY --from=build a b",
    ),
    "a continuation in the middle": (
        b"FROM \\\n  golang\nRUN go build \\\n\n .\n\nFROM \\\n# dead\n dead\n\nFROM scratch\nCOPY \\\n # from\n\n --from=0\ta \\  \n b\n",
        b"FROM \\\n  golang AS build\nRUN go build \\\n .\n\nFROM scratch\nCOPY \\\n # from\n --from=build\ta \\  \n b\n",
    ),
    "comments with a bare #": (
        b"# Above.\n#\n# Below.\n\nFROM golang\n#\n# In.\n#\nRUN go build\n\nFROM dead\n\n#\n# Last.\n#\nFROM scratch\n  #\nCOPY --from=0 a b\n#\n",
        b"# Above.\n#\n# Below.\n\nFROM golang AS build\n#\n# In.\n#\nRUN go build\n\n#\n# Last.\n#\nFROM scratch\n  #\nCOPY --from=build a b\n#\n",
    ),
    "blanks, tabs and bytes that are no UTF-8": (
        b"from golang\t \nRUN go build  \\\n\t.\n\t\n\nFROM dead\n\n\n# \xe9\nFROM scratch\nCOPY  --from=0\ta  b \n\n\n",
        b"FROM golang AS build\t \nRUN go build  \\\n\t.\n\t\n\n# \xe9\nFROM scratch\nCOPY  --from=build\ta  b \n\n\n",
    ),
}  # fmt: skip


@pytest.mark.parametrize("accepts", [safe, everything])
@pytest.mark.parametrize("name", WHOLE)
def test_every_byte_that_is_not_edited_stays(
    name: str, accepts: Callable[[Guarantee], bool]
) -> None:
    before, after = WHOLE[name]

    result = fixed(Source.from_bytes("Dockerfile", before), accepts)

    assert result.source.to_bytes() == after
