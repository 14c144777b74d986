"""How a registry lets somebody in: it says on a 401 whom to ask, and that one is asked.

`WWW-Authenticate: Basic ...` wants a name and a password, `Bearer realm=...,service=...,scope=...`
a token, which the realm gives for a name and a password, for an identity token, or to anybody.
"""

from __future__ import annotations

import json
import re
from typing import cast
from urllib.parse import urlencode

from stagelint.sizes.credentials import Credentials
from stagelint.sizes.web import Answer, Web, WebError, is_safe, origin
from stagelint.tuples import NamedTuple

_LONGEST = 4096
_PARAMETER = re.compile(  # in linear time, whatever the text: nothing is given back
    r"""(?<![\w])(?:([A-Za-z]++)\s++)?+([A-Za-z_]++)\s*+=\s*+"""
    r"""(?:"((?:[^"\\]|\\.)*+)"|([^\s",]++))"""
)
_TOKEN = r"[A-Za-z0-9._~+/-]+=*"
_JSON = {"Accept": "application/json"}
_CLIENT = "stagelint"


class DeniedError(Exception):
    """The registry does not let us in; the message is one line for the user."""


class Challenge(NamedTuple):
    """What a registry wants."""

    scheme: str
    """`basic` or `bearer`."""
    parameters: dict[str, str]


def authorization(web: Web, answer: Answer, scope: str, credentials: Credentials | None) -> str:
    """The value of `Authorization` that *answer*, a 401, asks for; *scope* if it does not say which.

    Raises `DeniedError` and `WebError`.
    """
    challenges = {each.scheme: each for each in parse(answer.headers.getlist("WWW-Authenticate"))}
    if "bearer" in challenges:
        return f"Bearer {_token(web, challenges['bearer'].parameters, scope, credentials)}"
    if "basic" not in challenges:
        raise DeniedError("asks for credentials of a kind that is not known")
    if credentials is None or credentials.is_identity_token:
        raise DeniedError("asks for a name and a password")
    if not is_safe(answer.url):
        raise DeniedError("asks for a password without TLS, where none is sent")
    return credentials.basic


def parse(headers: list[str]) -> list[Challenge]:
    """The challenges in the values of `WWW-Authenticate`; what is none is passed over."""
    found: list[Challenge] = []
    for header in headers:
        if len(header) > _LONGEST:
            continue
        if header.strip().lower() == "basic":
            found.append(Challenge("basic", {}))
        for match in _PARAMETER.finditer(header):
            scheme, key, text, word = match.groups()
            if scheme:
                found.append(Challenge(scheme.lower(), {}))
            if found:
                value = re.sub(r"\\(.)", r"\1", text) if text is not None else word
                found[-1].parameters[key.lower()] = value
    return found


def _token(
    web: Web, parameters: dict[str, str], scope: str, credentials: Credentials | None
) -> str:
    realm = parameters.get("realm", "")
    if not realm.startswith(("http://", "https://")):
        raise DeniedError("asks for a token, and does not say where there is one")
    if credentials is not None and not is_safe(realm):
        raise DeniedError("asks for a password without TLS, where none is sent")
    query = {"scope": parameters.get("scope") or scope}
    if "service" in parameters:
        query["service"] = parameters["service"]
    if credentials is not None and credentials.is_identity_token:
        query |= {
            "grant_type": "refresh_token",
            "refresh_token": credentials.secret,
            "client_id": _CLIENT,
        }
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = web.post(realm, {**_JSON, **form}, urlencode(query))
    else:
        joint = "&" if "?" in realm else "?"
        basic = credentials.basic if credentials else ""
        answer = web.get(f"{realm}{joint}{urlencode(query)}", _JSON, basic)
    return _read(answer, is_anonymous=credentials is None)


def _read(answer: Answer, *, is_anonymous: bool) -> str:
    host = origin(answer.url)[1]
    if answer.status in (400, 401, 403, 404):
        who = "nobody without credentials" if is_anonymous else "not the user of these credentials"
        raise DeniedError(f"lets in {who} (says {host})")
    if answer.status != 200:
        raise WebError(f"{host}: answers {answer.status} when asked for a token")
    try:
        values = json.loads(answer.body)
    except (ValueError, RecursionError):
        values = None
    table = cast("dict[str, object]", values) if isinstance(values, dict) else {}
    token = table.get("token") or table.get("access_token")
    if not isinstance(token, str) or not re.fullmatch(_TOKEN, token):
        raise WebError(f"{host}: gives no token")
    return token
