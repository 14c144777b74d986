from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from stagelint.edit import Edit, Fix, Guarantee
from stagelint.model import File, cost
from stagelint.model.environment import reader
from stagelint.model.heirs import AT_RUN_TIME, mentioned_by
from stagelint.model.moments import Moment
from stagelint.model.rewriting import take_away, with_comments
from stagelint.model.stages import Stage
from stagelint.rule import Bad, Finding, Good, Related, Rule, Severity
from stagelint.source import Span
from stagelint.syntax.nodes import Instruction, Item

#: What differs from one commit or build to the next, by its name.
_VOLATILE = (
    r"(?i)(?:(?:app|build|ci|docker|drone|git|github|gitlab|image|project|release|source|src|travis|vcs)_?)?"
    r"(?:commit(?:_?(?:sha|sha1|hash|id|ref|date|time|timestamp|short))?|(?:short_?)?sha1?|revision|rev|ref|hash"
    r"|describe|tag|tree_?state|dirty|created|date|time|timestamp|build_?(?:date|time|timestamp|number|num|id|no)"
    r"|number|id|version)"
)
#: Names of that kind that are as common for what is chosen once.
_AMBIGUOUS = r"(?i)id|number|ref|rev|tag|time|date|hash|(?:git|source|docker)_?version"
#: A variable of the image that says the same, and that no package manager reads.
_OF_IMAGE = rf"(?i)(?!(?:apk|apt|cargo|curl|go|npm|pip|uv|wget|yarn)_)(?:\w+_)?{_VOLATILE[4:]}"
#: Defaults that stand for what is given; a number that is written out is chosen once.
_PLACEHOLDER = (
    r"(?i)|n/?a|none|null|unknown|undefined|unset|not[ _-]?set|dev(?:el(?:opment)?)?|local|latest|snapshot"
    r"|head|main|master|test|v?0(?:\.0)*(?:[-+].*)?"
)
#: Programs that take their time, besides package managers, and what some of them do at once.
_SLOW = frozenset("curl git go tar unzip wget".split())
_QUICK = frozenset({("go", "env"), ("go", "version"), ("git", "config"), ("git", "init")})
_STEPS = frozenset({"RUN", "COPY", "ADD", "WORKDIR"})
#: What says something about a variable, and may be moved with it.
_METADATA = frozenset({"LABEL", "ENV", "ARG"})


class VolatileMetadataAboveSteps(Rule):
    """An ARG that every build gives another value stands above steps that do not need it.

    Every RUN below an ARG has it in its environment, so BuildKit executes all of them when it changes.

    It speaks of an ARG that is called as what differs from commit to commit (`GIT_SHA`,
    `BUILD_DATE`, `VERSION` without a version as its default), above a RUN that installs or fetches.
    The fix moves it down to the first instruction that reads it, together with the LABEL or ENV that
    it is for. It stays above a RUN that may read it without naming it: one that starts a program of
    the project, or `make`, whose variables are those of the environment; and so does an ARG that nothing
    names, which may be there for the very cache. LABEL, EXPOSE and their like are not spoken of alone:
    they are no steps for BuildKit, and cost nothing wherever they stand.
    """

    code = "SL306"
    severity = Severity.INFO
    default = False
    words = ("arg",)
    examples = (
        Bad(
            """
            FROM debian:trixie-slim
            ARG GIT_SHA
            ^^^^^^^^^^^ `GIT_SHA` differs from build to build, and stands above a RUN that does not read it
            LABEL org.opencontainers.image.revision=$GIT_SHA
            RUN apt-get update && apt-get install -y nginx
            COPY site /var/www/html
            CMD ["nginx"]
            """,
            fixed="""
            FROM debian:trixie-slim
            RUN apt-get update && apt-get install -y nginx
            COPY site /var/www/html
            ARG GIT_SHA
            LABEL org.opencontainers.image.revision=$GIT_SHA
            CMD ["nginx"]
            """,
            unsafe=True,
        ),
        Bad(
            """
            FROM golang:1.25
            # what `server version` says
            ARG VERSION=dev
            ^^^^^^^^^^^^^^^ `VERSION` differs from build to build, and stands above a RUN that does not read it
            WORKDIR /src
            COPY go.mod go.sum ./
            RUN go mod download
            COPY . .
            RUN go build -ldflags "-X main.version=$VERSION" -o /server .
            """,
            fixed="""
            FROM golang:1.25
            WORKDIR /src
            COPY go.mod go.sum ./
            RUN go mod download
            COPY . .
            # what `server version` says
            ARG VERSION=dev
            RUN go build -ldflags "-X main.version=$VERSION" -o /server .
            """,
            unsafe=True,
        ),
        Bad(
            """
            FROM debian:trixie
            ARG COMMIT_SHA
            ^^^^^^^^^^^^^^ `COMMIT_SHA` differs from build to build, and stands above a RUN that does not read it
            ARG BUILD_DATE
            ^^^^^^^^^^^^^^ `BUILD_DATE` differs from build to build, and stands above a RUN that does not read it
            RUN apt-get update && apt-get install -y gcc make
            COPY . /src
            RUN make -C /src
            LABEL revision=$COMMIT_SHA created=$BUILD_DATE
            """,
            fixed="""
            FROM debian:trixie
            RUN apt-get update && apt-get install -y gcc make
            COPY . /src
            ARG COMMIT_SHA
            ARG BUILD_DATE
            RUN make -C /src
            LABEL revision=$COMMIT_SHA created=$BUILD_DATE
            """,
            unsafe=True,
        ),
        Bad(
            """
            # npm may run a script of the project that reads it
            FROM node:22
            ARG GIT_SHA
            ^^^^^^^^^^^ `GIT_SHA` differs from build to build, and stands above a RUN that does not name it
            WORKDIR /app
            COPY package.json package-lock.json ./
            RUN npm ci
            CMD ["node", "server.js"]
            """,
        ),
        Bad(
            """
            # the variables of the image would stand in another order
            FROM debian:trixie-slim
            ARG GIT_SHA
            ^^^^^^^^^^^ `GIT_SHA` differs from build to build, and stands above a RUN that does not read it
            ENV GIT_SHA=$GIT_SHA
            ENV LANG=C.UTF-8
            RUN apt-get update && apt-get install -y nginx
            """,
        ),
        Bad(
            """
            # it is there for the cache
            FROM debian:trixie
            ARG TIMESTAMP
            ^^^^^^^^^^^^^ `TIMESTAMP` differs from build to build, and stands above a RUN that does not read it
            RUN wget -q -O /nightly.deb https://example.com/nightly.deb
            RUN make -C /src
            """,
        ),
        Bad(
            """
            # it is declared once more below
            FROM debian:trixie
            ARG BUILD_DATE
            ^^^^^^^^^^^^^^ `BUILD_DATE` differs from build to build, and stands above a RUN that does not read it
            RUN apt-get update && apt-get install -y gcc make
            ARG BUILD_DATE
            RUN make -C /src DATE=$BUILD_DATE
            """,
        ),
        Good(
            """
            # it is read, it is a version that is chosen, it is there to empty the cache
            FROM debian:trixie-slim
            ARG GIT_SHA
            RUN git clone https://example.com/app.git /app && git -C /app checkout $GIT_SHA
            ARG VERSION=1.2.3
            ARG NGINX_VERSION
            ARG CACHE_DATE
            LABEL version=$VERSION
            RUN apt-get update && apt-get install -y nginx
            """
        ),
        Good(
            """
            FROM debian:trixie-slim
            LABEL version=1.2.3
            EXPOSE 80
            RUN apt-get update && apt-get install -y nginx
            ARG GIT_SHA
            LABEL revision=$GIT_SHA
            RUN mkdir /data
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in () if file.is_huge else file.stages:
            moments = file.histories[stage.index].own
            for at, moment in enumerate(moments):
                if moment.instruction.keyword == "ARG" and _is_volatile(file, moment.instruction):
                    yield from self._arg(file, stage, _Sinking(file, moments, at))

    def _arg(self, file: File, stage: Stage, sinking: _Sinking) -> Iterator[Finding]:
        arg = sinking.nodes[sinking.at]
        names = " and ".join(f"`{pair.key}`" for pair in arg.pairs)
        message = f"{names} differs from build to build, and stands above a RUN that does not "
        slow = next(filter(_is_slow, sinking.passed), None)
        if slow:
            note = sinking.objection()
            yield self.finding(
                file,
                arg.code_span,
                f"{message}read it",
                stage=stage,
                fix=None if note else Fix("Move it down", sinking.edits(), Guarantee.SAME_IMAGE),
                note=f"not fixed: {note}" if note else "",
                related=(Related(file.source, slow.instruction.code_span, "this runs again"),),
                gain=cost.kept_in_cache(file, sinking.saved, f"a change of {names}"),
                holds=() if note else (f"no RUN that it is moved below reads {names} (checked)",),
            )
        elif sinking.suspect and _is_slow(sinking.moments[sinking.end]):
            yield self.finding(
                file,
                arg.code_span,
                f"{message}name it",
                stage=stage,
                note=f"not fixed: {sinking.suspect} may read it from its environment",
            )


def _is_volatile(file: File, arg: Instruction) -> bool:
    """Is all that it declares given by each build anew?"""
    for pair in arg.pairs:
        default = pair.value if pair.value is not None else file.globals.values.get(pair.key, "")
        is_given = isinstance(default, str) and re.fullmatch(_PLACEHOLDER, default.strip("\"'"))
        if not is_given or not re.fullmatch(_VOLATILE, pair.key):
            return False
        if re.fullmatch(_AMBIGUOUS, pair.key):
            return False
    return bool(arg.pairs)


def _is_slow(run: Moment) -> bool:
    slow = (each for each in run.calls if each.name in _SLOW)
    return any((e.name, *e.words[:1]) not in _QUICK for e in slow) or any(run.packages)


class _Sinking:
    """An ARG with what belongs to it, and how far down it can go."""

    def __init__(self, file: File, moments: Sequence[Moment], at: int) -> None:
        self.file = file
        self.moments = moments
        self.at = at
        self.nodes = [each.instruction for each in moments]
        self.members = [at]
        """The ARG, and what says something with its value, by their indices."""
        self.names = {pair.key for pair in self.nodes[at].pairs}
        for index in range(at + 1, len(moments)):
            node = self.nodes[index]
            if node.keyword in _METADATA and not self.names.isdisjoint(mentioned_by(node)):
                self.members.append(index)
                if node.keyword != "LABEL":
                    self.names.update(pair.key for pair in node.pairs)
        self.suspect = ""
        """What the RUN at *end* starts, if that may read it without naming it."""
        self.end = self._first_reader()
        """The index of the first instruction that needs it, or may."""
        steps = [i for i in range(at, self.end) if self.nodes[i].keyword in _STEPS]
        after = steps[-1] + 1 if steps else at
        below = (each for each in self.members if after <= each < self.end)
        self.place = next(below, self.end if self.end < len(moments) else after)
        """The index of the instruction before which it goes."""
        self.passed = [
            each for each in moments[at : self.place] if each.instruction.keyword == "RUN"
        ]

    @property
    def is_named(self) -> bool:
        """Does an instruction below say what it is for?"""
        below = self.nodes[self.at + 1 :]
        return len(self.members) > 1 or any(re.search(self._word, str(node)) for node in below)

    @property
    def _word(self) -> str:
        return "|".join(rf"\b{re.escape(name)}\b" for name in sorted(self.names))

    def _first_reader(self) -> int:
        for at in range(self.at + 1, len(self.nodes)):
            node = self.nodes[at]
            if at in self.members or node.keyword in (*AT_RUN_TIME, "ONBUILD"):
                continue
            if node.keyword == "RUN":
                if re.search(self._word, str(node)):
                    return at
                self.suspect = reader(self.file, self.moments, at)
                if self.suspect:
                    return at
            elif not self.names.isdisjoint((*_sets(node), *mentioned_by(node))):
                return at
        return len(self.nodes)

    @property
    def moved(self) -> list[int]:
        return [each for each in self.members if each < self.place]

    @property
    def saved(self) -> list[Instruction]:
        """The steps of the stage that run again today, and no more: up to the first RUN below."""
        runs = [at for at, node in enumerate(self.nodes) if node.keyword == "RUN"]
        first = next(at for at in runs if at > self.at)
        last = next((at for at in runs if at >= self.place), len(self.nodes))
        return [node for node in self.nodes[first:last] if node.keyword in _STEPS]

    def objection(self) -> str:
        """What would not be the same below; empty if all would."""
        if not self.is_named:
            return "nothing names it: it may be there to have the steps below run again"
        last = self.nodes[self.end] if self.end < len(self.nodes) else None
        if last and last.keyword == "ARG" and not self.names.isdisjoint(_sets(last)):
            return "it is declared once more below"
        for at in self.moved:
            node = self.nodes[at]
            passed = [self.nodes[i] for i in range(at, self.place) if i not in self.members]
            if node.keyword == "ENV":
                other = next((key for key in _sets(node) if not re.fullmatch(_OF_IMAGE, key)), None)
                if other:
                    return f"a RUN in between may read `{other}`"
                if any(each.keyword == "ENV" for each in passed):
                    return "the variables of the image would stand in another order"
            read = {*mentioned_by(node), *(_sets(node) if node.keyword == "LABEL" else ())}
            for each in passed:
                if each.keyword in _METADATA and not read.isdisjoint(_sets(each)):
                    return "what it says is set once more in between"
        return ""

    def edits(self) -> tuple[Edit, ...]:
        file = self.file
        groups: list[list[Item]] = []
        for at in self.moved:
            items = with_comments(file, self.nodes[at])
            if groups and groups[-1][-1].end == items[0].start:
                items = groups.pop() + items
            groups.append(items)
        text = "".join(str(item) for items in groups for item in items)
        return (self._insertion(text), *(take_away(file, items) for items in groups))

    def _insertion(self, text: str) -> Edit:
        if self.place < len(self.nodes) and self.place in (self.end, *self.members):
            start = with_comments(self.file, self.nodes[self.place])[0].start
            return Edit(Span(start, start), text)
        end = self.nodes[self.place - 1].end
        if not self.file.source.text[:end].endswith("\n"):
            newline = self.file.source.newline
            text = newline + text.removesuffix(newline)
        return Edit(Span(end, end), text)


def _sets(node: Instruction) -> list[str]:
    """The variables or labels that it sets."""
    return [pair.key for pair in node.pairs] if node.keyword in _METADATA else []
