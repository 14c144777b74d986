"""The user's credentials for registries, from where `docker login` puts them.

That is `config.json` in `$DOCKER_CONFIG` or `~/.docker`: `credHelpers` names a program for one
registry, `credsStore` one for all, and `auths` has what no program keeps.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
from shutil import which
from typing import cast

from stagelint import discover
from stagelint.config import shown
from stagelint.tuples import NamedTuple
from stagelint.verify.process import CouldNotTellError, Runner

_LIMIT = 4 << 20
#: Seconds for a program that may have to ask the user.
_PATIENCE = 60.0
#: Docker Hub under all its names, and the key that Docker has for it.
_HUB = ("docker.io", "index.docker.io", "registry-1.docker.io")
_HUB_KEY = "https://index.docker.io/v1/"
#: What a program says of a registry that it has nothing for, and exits with a failure.
_NOT_FOUND = "credentials not found"
_TOKEN_USER = "<token>"


class CredentialsError(Exception):
    """Credentials are configured and cannot be had; the message is one line for the user."""


class Credentials(NamedTuple):
    """A name and a password, or with an empty name an identity token to get others with."""

    username: str
    secret: str

    def __repr__(self) -> str:
        return "Credentials(...)"

    @property
    def is_identity_token(self) -> bool:
        return not self.username

    @property
    def basic(self) -> str:
        """As the value of `Authorization`."""
        pair = f"{self.username}:{self.secret}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"


def find(domain: str) -> Credentials | None:
    """What the user has for the registry *domain*; None for nothing. Raises `CredentialsError`."""
    path = _path()
    config = _table(_read(path))
    key = _HUB_KEY if domain in _HUB else domain
    helper = _table(config.get("credHelpers")).get(domain) or config.get("credsStore")
    if helper:
        found = _from_helper(str(helper), key, path)
        if found:
            return found
    auths = _table(config.get("auths"))
    names = _HUB if domain in _HUB else (domain,)
    matching = (value for name, value in auths.items() if _domain(name) in names)
    entry = _table(auths.get(key) or next(matching, None))
    return _from_entry(entry, f"{shown(path)}: auths of {domain}")


def _path() -> str:
    folder = os.environ.get("DOCKER_CONFIG") or os.path.join(os.path.expanduser("~"), ".docker")
    return os.path.join(folder, "config.json")


def _read(path: str) -> object:
    try:
        data = discover.read_regular(path, _LIMIT)
        if data is None:
            raise CredentialsError(f"{shown(path)}: is larger than {_LIMIT >> 20} MiB")
        return json.loads(data) if data else None
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise CredentialsError(f"{shown(path)}: cannot be read: {reason}") from None
    except (ValueError, RecursionError):
        raise CredentialsError(f"{shown(path)}: is not JSON") from None


def _domain(key: str) -> str:
    """Of a key like `https://registry.example.com/v1/`, as older versions wrote them."""
    return re.sub(r"\Ahttps?://", "", key).partition("/")[0]


def _from_entry(entry: dict[str, object], where: str) -> Credentials | None:
    token, auth = entry.get("identitytoken"), entry.get("auth")
    if isinstance(token, str) and token:
        return Credentials("", token)
    if isinstance(auth, str) and auth:
        try:
            text = base64.b64decode(auth, validate=True).decode()
        except (binascii.Error, ValueError):
            raise CredentialsError(f"{where}: auth is not base64 (docker login)") from None
        username, colon, secret = text.partition(":")
        if not colon or not username:
            raise CredentialsError(f"{where}: auth has no name and password (docker login)")
        return Credentials(username, secret.rstrip("\0"))
    name, password = entry.get("username"), entry.get("password")
    if isinstance(name, str) and isinstance(password, str) and name:
        return Credentials(name, password)
    return None


def _from_helper(name: str, key: str, path: str) -> Credentials | None:
    command = f"docker-credential-{name}"
    program = which(command) if re.fullmatch(r"[\w.-]+", name) else None
    where = f"{shown(path)}: {shown(command)}"
    if program is None:
        raise CredentialsError(f"{where} is not installed; install it, or set DOCKER_CONFIG")
    try:
        answer = Runner(_PATIENCE).ask([program, "get"], key.encode())
    except CouldNotTellError as error:
        raise CredentialsError(f"{where}: {error}") from None
    except BrokenPipeError:
        raise CredentialsError(f"{where} does not read what it is asked") from None
    if answer.status:
        said = (answer.out.strip() or answer.err.strip()).splitlines()
        if said and said[0].startswith(_NOT_FOUND):
            return None
        reason = said[0][:200] if said else f"ends with status {answer.status}"
        raise CredentialsError(f"{where}: {shown(reason)}")
    try:
        values = _table(json.loads(answer.out))
    except (ValueError, RecursionError):
        values = {}
    username, secret = values.get("Username"), values.get("Secret")
    if not isinstance(username, str) or not isinstance(secret, str):
        raise CredentialsError(f"{where} does not say a name and a secret")
    if not username or not secret:
        return None
    return Credentials("" if username == _TOKEN_USER else username, secret)


def _table(value: object) -> dict[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}
