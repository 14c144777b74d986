from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.expansion import ExpansionError, Value, expand
from stagelint.model.moments import Moment
from stagelint.model.stages import Stage
from stagelint.rule import SHIPPED, Bad, Finding, Good, Rule
from stagelint.syntax.nodes import Pair

#: One of these is in the name of every secret.
_WORDS = ("pass", "secret", "token", "key", "credential", "pwd")
#: How names of variables end that hold a secret.
_SECRET = (
    r"(?i:(?:.*_)?(?:password|passwd|passphrase|secret|token|apikey|credentials)|.+_(?:pass|pwd)|"
    r"(?:.*_)?secret_key_base|(?:.*_)?(?:api|secret|private|access|encryption|signing|csrf|jwt)_?key)"
)
#: Values that are none: switches, paths, scripts, and what says that it is made up.
_NO_SECRET = (
    r"(?i:|true|false|yes|no|on|off|none|null|\d+|[./~].*|[a-z]:\\.*|\w+://.*|.*\.(?:sh|json|txt|ya?ml)|"
    r".*(?:fake|dummy|example|placeholder|(?:change|replace).?me|sample|your.|x{3}|<.*>|test|insecure|unused).*|"
    r"not?.?(?:used|secret|needed|real|set)|todo|tbd|foo|bar|baz|dev(?:elopment)?|build)"
)
#: What build tools put into the scripts they send to browsers, where nothing is a secret.
_FOR_BROWSERS = r"(?:VITE|REACT_APP|VUE_APP|GATSBY|NEXT_PUBLIC|NUXT_PUBLIC|EXPO_PUBLIC)_"
#: Files that hold a private key or a password, in lower case.
_KEY_FILE = (
    r"id_(?:rsa|dsa|ecdsa|ed25519)|[._]netrc|\.pgpass|\.git-credentials|\.dockercfg|.+\.ppk|"
    r".*(?:private|(?:\b|_)key)\.pem|.+\.(?:key|pfx|p12)"
)
_KEY_PATHS = (".aws/credentials", ".docker/config.json", ".kube/config", "/.ssh", "/.ssh/")
#: Keys of archives, which everybody may know, and those that are made up.
_PUBLIC = r"(?i).*(?:pub|gpg|sign|release|archive|repo|apt|sample|example|dummy|fake|test)"
#: Where package managers look for such keys.
_KEYRINGS = r"/(?:etc/apt/(?:keyrings|trusted\.gpg\.d)|usr/share/keyrings|etc/apk/keys|etc/pki/rpm-gpg)(?:/|\Z)"


class SecretReachesImage(Rule):
    """A password, a token or a key that ends in an image that ships.

    Whoever can pull an image can read its config, its history and every file of every layer. It
    speaks of stages that ship, and of

    - ENV with a name like `DB_PASSWORD` or `API_TOKEN` and a value, which is in the config;
    - ARG with such a name, whose value stands in the history beside every later RUN, and beside the
      ARG itself if it has a default;
    - COPY or ADD of a private key or a file of passwords (`id_rsa`, `tls.key`, `.netrc`), which stays
      in its layer even if a later RUN removes it.

    In a stage that is only copied from, the same does not ship, and the rule is silent; BuildKit's
    own check, which speaks of names alone, is not. It is silent too about values that are empty,
    switches, numbers, paths or made up, about public keys, and about what `VITE_` and the like put
    into scripts for browsers. A secret for one command belongs in `RUN --mount=type=secret`, one for
    the program is given when the container starts.
    """

    code = "SL213"
    security_severity = "7.5"
    roles = SHIPPED
    examples = (
        Bad(
            """
            FROM node:22 AS build
            ARG NPM_TOKEN
            RUN npm ci
            FROM node:22-slim
            ARG GITHUB_TOKEN
                ^^^^^^^^^^^^ the value of `GITHUB_TOKEN` ships in the history of the image
            RUN npm ci --omit=dev
            COPY --from=build /app/dist /app/dist
            """
        ),
        Bad(
            """
            FROM debian
            ENV DB_USER=app DB_PASSWORD=Tr0ub4dor
                            ^^^^^^^^^^^^^^^^^^^^^ the value of `DB_PASSWORD` ships in the config of the image
            """
        ),
        Bad(
            """
            FROM debian
            ARG API_KEY
            ENV API_KEY=$API_KEY
                ^^^^^^^^^^^^^^^^ the value of `API_KEY` ships in the config of the image
            """
        ),
        Bad(
            """
            FROM alpine
            COPY deploy/id_rsa /root/.ssh/id_rsa
                 ^^^^^^^^^^^^^ `id_rsa` ships in a layer of the image
            RUN git clone git@example.com:app && rm /root/.ssh/id_rsa
            """
        ),
        Good(
            """
            FROM golang AS build
            ARG GITHUB_TOKEN
            COPY id_rsa /root/.ssh/id_rsa
            ENV NETRC_PASSWORD=$GITHUB_TOKEN
            RUN go build -o /app
            FROM scratch
            COPY --from=build /app /app
            """
        ),
        Good(
            """
            FROM debian
            ARG SIGNING_KEY_URL=https://example.com/key.asc
            ARG PUBLIC_KEY
            ENV ROOT_PASSWORD=${ROOT_PASSWORD:-}
            ENV DB_PASSWORD_FILE=/run/secrets/db MYSQL_ALLOW_EMPTY_PASSWORD=yes API_TOKEN= SECRET_KEY=changeme
            COPY nginx_signing.key archive.gpg.key ca.pem /keys/
            COPY nginx.key /usr/share/keyrings/
            RUN --mount=type=secret,id=token ./install
            """
        ),
        Good(
            """
            FROM node
            ARG VITE_API_KEY
            ENV REACT_APP_API_KEY=AIzaSyD
            ENV JWT_SECRET=development APP_SECRET=unused_here SECRET_KEY=not-used
            RUN npm run build
            """
        ),
        Good(
            """
            FROM debian
            ARG TOKEN
            CMD ["app"]
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        runs = _run_above(file)
        for stage in self.stages(file):
            moments = file.moments(stage)
            last = max(
                (at for at, each in enumerate(moments) if each.instruction.keyword == "RUN"),
                default=-1,
            )
            in_config = {
                pair.key
                for moment in moments
                if moment.instruction.keyword == "ENV"
                for pair in moment.instruction.pairs
                if _is_secret(moment, pair)
            }
            for at, moment in enumerate(moments):
                keyword = moment.instruction.keyword
                if keyword == "ENV":
                    yield from self._variables(file, stage, moment, "config")
                elif keyword == "ARG":
                    # The history has its default, and what it is at each RUN.
                    has_default = any(pair.value for pair in moment.instruction.pairs)
                    if has_default or at < last or runs[stage.index]:
                        yield from self._variables(file, stage, moment, "history", in_config)
                elif keyword in ("COPY", "ADD"):
                    yield from self._files(file, stage, moment)

    def _variables(
        self,
        file: File,
        stage: Stage,
        moment: Moment,
        place: str,
        but: set[str] | frozenset[str] = frozenset(),
    ) -> Iterator[Finding]:
        for pair in moment.instruction.pairs:
            if pair.key not in but and _is_secret(moment, pair):
                span = moment.instruction.logical.span(pair.start, pair.end)
                message = f"the value of `{pair.key}` ships in the {place} of the image"
                yield self.finding(file, span, message, stage=stage, aliases=("BK018",))

    def _files(self, file: File, stage: Stage, moment: Moment) -> Iterator[Finding]:
        node = moment.instruction
        for source in node.arguments[:-1]:
            name = posixpath.basename(source.value)
            if _is_key_file(source.value, name, node.arguments[-1].value):
                span = node.logical.span(source.start, source.end)
                message = f"`{name}` ships in a layer of the image"
                yield self.finding(file, span, message, stage=stage)


def _is_secret(moment: Moment, pair: Pair) -> bool:
    if not any(word in pair.key.lower() for word in _WORDS):
        return False
    is_public = "public" in pair.key.lower() or re.match(_FOR_BROWSERS, pair.key)
    if is_public or not re.fullmatch(_SECRET, pair.key):
        return False
    if pair.value is None:
        return True

    def lookup(name: str) -> Value | None:
        """What the base image may set is not given by whoever builds this file."""
        value = moment.variable(name)
        return value if isinstance(value, str) or moment.declares(name) else None

    try:
        value = expand(pair.value, lookup, moment.instruction.escape)
    except ExpansionError:
        return False
    return not isinstance(value, str) or not re.fullmatch(_NO_SECRET, value.strip())


def _run_above(file: File) -> list[bool]:
    """Has an image that ships a RUN in a stage that is built on this one? For each stage."""
    running = {stage.index for stage, _ in file.instructions("RUN")}
    found = [False] * len(file.stages)
    for stage in reversed(file.stages):
        base = stage.base.stage
        if base is not None and stage.index in file.ships:
            found[base] |= found[stage.index] or stage.index in running
    return found


def _is_key_file(path: str, name: str, target: str) -> bool:
    """Is the file *path*, called *name* and copied to *target*, one that holds a secret?"""
    if not (re.fullmatch(_KEY_FILE, name.lower()) or path.endswith(_KEY_PATHS)):
        return False
    is_public = re.match(_PUBLIC, path) or re.match(_KEYRINGS, target)
    return not is_public and "://" not in path
