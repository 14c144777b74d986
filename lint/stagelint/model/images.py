"""Image references: `[domain/]path[:tag][@digest]` (distribution/reference, as BuildKit uses it)."""

from __future__ import annotations

import re

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_DOMAIN_PART = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = rf"(?:{_DOMAIN_PART}(?:\.{_DOMAIN_PART})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST = r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}"
_REFERENCE = re.compile(
    rf"({_DOMAIN}/)?({_COMPONENT}(?:/{_COMPONENT})*)(?::{_TAG})?(?:@{_DIGEST})?\Z"
)
_HEXADECIMAL = re.compile(r"[a-f0-9]{64}\Z")


def problem(reference: str) -> str | None:
    """Why BuildKit refuses *reference*, without its `invalid reference format` when it says more."""
    if _HEXADECIMAL.match(reference):
        return f"invalid repository name ({reference}), cannot specify 64-byte hexadecimal strings"
    domain, path = _split(reference)
    repository = re.split("[:@]", path, maxsplit=1)[0]
    if repository != repository.lower():
        return f"invalid reference format: repository name ({repository}) must be lowercase"
    whole = f"{domain}/{path}"
    match = _REFERENCE.match(whole)
    if not match:
        return "invalid reference format"
    if len(f"{domain}/{repository}") - len("docker.io/") * (domain == "docker.io") > 255:
        return "repository name must not be more than 255 characters"
    return None


def _split(reference: str) -> tuple[str, str]:
    first, slash, rest = reference.partition("/")
    is_domain = slash and (
        "." in first or ":" in first or first == "localhost" or first != first.lower()
    )
    domain, path = (first, rest) if is_domain else ("docker.io", reference)
    if domain == "docker.io" and "/" not in path:
        path = f"library/{path}"
    return domain, path


def short(reference: str) -> str:
    """The form BuildKit looks up named contexts by: no default domain, no `:latest`."""
    domain, path = _split(reference)
    path = path.removesuffix(":latest")
    return path.removeprefix("library/") if domain == "docker.io" else f"{domain}/{path}"
