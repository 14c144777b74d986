"""The JSON schema of the configuration, for editors: what `settings` checks, as far as a schema can.

It describes `stagelint.toml`, and the table `[tool.stagelint]` of a pyproject.toml. Draft 2020-12, by
https://json-schema.org/draft/2020-12/json-schema-core
"""

from __future__ import annotations

import json

from stagelint import settings
from stagelint.config import LABEL_KINDS, SEVERITIES, Config

#: The file of it in a checkout; written by `make rules`.
NAME = "stagelint.schema.json"

#: What an editor says of a key.
ABOUT = {
    "select": "Rules that run instead of the default ones.",
    "extend-select": "Rules that run as well.",
    "ignore": "Rules that do not run.",
    "exclude": "Files and folders to leave out, as globs relative to this file.",
    "include": "Files to lint besides those that are called like a Dockerfile, as globs.",
    "ships": "Stages that are released besides the last one.",
    "trusted-registries": "The registries that images may come from.",
    "plugins": "Python packages with more rules.",
    "preset": "The set of rules that runs if `select` does not say.",
    "builder-stages": "Whether rules for what ships speak of other stages as well.",
    "dialect": "The builder whose rules hold where builders differ.",
    "fail-level": "The least severity of a finding that makes a run fail.",
    "output-format": "How findings are printed.",
    "unsafe-fixes": "Whether `--fix` applies fixes that may change the build.",
    "allow-libc-change": "Whether advice may cross from one C library to another.",
    "strict-labels": "Whether labels are wrong that `label-schema` does not have.",
    "ignore-comments": "Whether comments silence rules.",
    "final-base-budget": "How large the base of what ships may be, compressed.",
    "sizes": "A file with sizes of base images, relative to this file.",
    "baseline": "A file with findings to say nothing of, relative to this file.",
    "cache-dir": "A folder for what runs have found, relative to this file.",
    "targets": "Stages that somebody builds by name: anywhere, or by globs of files.",
    "per-file-ignores": "Rules that do not run on some files, by globs relative to this file.",
    "severity": "How severe the findings of some rules are.",
    "build-args": "Values of build arguments.",
    "registry-mirrors": "Registries that mirror others, and what they mirror.",
    "label-schema": "Labels that an image must have, and the kind of their value.",
}
EXAMPLES: dict[str, list[object]] = {
    "select": [["ALL"], ["SL", "DL3006"]],
    "extend-select": [["unused-suppression"]],
    "ignore": [["SL101", "numeric-stage-reference"]],
    "exclude": [["vendor/"]],
    "include": [["*.docker"]],
    "ships": [["release"]],
    "trusted-registries": [["docker.io"]],
    "final-base-budget": ["150MB"],
    "targets": [["dev", "test"], {"docker/*.Dockerfile": ["dev", "test"]}],
    "per-file-ignores": [{"examples/**": ["SL101"]}],
    "severity": [{"SL101": "error"}],
    "registry-mirrors": [{"mirror.example.com/hub": "docker.io"}],
    "label-schema": [{"org.opencontainers.image.source": "url"}],
}

_Json = dict[str, object]

_STRING: _Json = {"type": "string"}
_STRINGS: _Json = {"type": "array", "items": _STRING}
_LISTS: _Json = {"type": "object", "additionalProperties": {"anyOf": [_STRING, _STRINGS]}}
#: What each kind of value is, by `settings.kinds`; a choice is the values there are.
_KINDS: dict[str, _Json] = {
    "list": _STRINGS,
    "switch": {"type": "boolean"},
    "file": _STRING,
    "size": {"type": "string", "pattern": r"^(\s*\d{1,9}(\.\d{1,3})? ?([KkMmGg][Ii]?)?[Bb]?\s*)?$"},
}
_TABLES: dict[str, _Json] = {
    "targets": {"anyOf": [_STRINGS, _LISTS]},
    "per-file-ignores": _LISTS,
    "severity": {"type": "object", "additionalProperties": {"enum": list(SEVERITIES)}},
    "build-args": {"type": "object", "additionalProperties": _STRING},
    "registry-mirrors": {"type": "object", "additionalProperties": _STRING},
    "label-schema": {"type": "object", "additionalProperties": {"enum": list(LABEL_KINDS)}},
}


def text() -> str:
    """The schema, as JSON."""
    return json.dumps(schema(), indent=2) + "\n"


def schema() -> _Json:
    """The schema."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The configuration of stagelint",
        "type": "object",
        "additionalProperties": False,
        "properties": {key: _property(key, kind) for key, kind in settings.kinds().items()},
    }


def _property(key: str, kind: str | tuple[str, ...]) -> _Json:
    default: object = getattr(Config(), key.replace("-", "_"), "")
    if isinstance(kind, tuple):
        shape: _Json = {"enum": list(kind)}
    else:
        shape = _TABLES[key] if kind == "table" else _KINDS[kind]
    return {
        "description": ABOUT[key],
        **shape,
        **({"default": default} if default != "" and kind != "table" else {}),
        **({"examples": EXAMPLES[key]} if key in EXAMPLES else {}),
    }
