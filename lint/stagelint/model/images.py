"""Image references: `[domain/]path[:tag][@digest]` (distribution/reference, as BuildKit uses it)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from stagelint.tuples import NamedTuple

DOCKER_HUB = "docker.io"

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_DOMAIN_PART = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_DOMAIN = rf"(?:{_DOMAIN_PART}(?:\.{_DOMAIN_PART})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST = r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}"
_REFERENCE = re.compile(
    rf"({_DOMAIN}/)?({_COMPONENT}(?:/{_COMPONENT})*)(?::{_TAG})?(?:@{_DIGEST})?\Z"
)
_HEXADECIMAL = re.compile(r"[a-f0-9]{64}\Z")


class Reference(NamedTuple):
    """An image reference taken apart; *tag* and *digest* are empty where it has none."""

    domain: str
    """The registry, with its port: `docker.io` where none is written."""
    path: str
    """`library/python` for an official image of Docker Hub."""
    tag: str = ""
    digest: str = ""

    @property
    def name(self) -> str:
        """The repository with its domain."""
        return f"{self.domain}/{self.path}"

    @property
    def short_name(self) -> str:
        """The repository as people write it: `python`, `example.com/python`."""
        return self.path.removeprefix("library/") if self.domain == DOCKER_HUB else self.name

    def __str__(self) -> str:
        """As people write it."""
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.short_name}{tag}" + (f"@{self.digest}" if self.digest else "")


def parse(reference: str) -> Reference:
    """*reference*, which BuildKit accepts, taken apart."""
    domain, path = _split(reference)
    path, _, digest = path.partition("@")
    path, _, tag = path.partition(":")
    return Reference(domain, path, tag, digest)


def from_origin(reference: Reference, mirrors: Mapping[str, str]) -> Reference:
    """The image that *reference* is a copy of, if it lies in one of *mirrors*.

    They map `domain` or `domain/path` of a mirror to that of the origin; the longest that fits
    counts.
    """
    for mirror in sorted(mirrors, key=len, reverse=True):
        inside = reference.name.removeprefix(f"{mirror.rstrip('/')}/")
        if inside != reference.name:
            domain, path = _split(f"{mirrors[mirror].rstrip('/')}/{inside}")
            return reference._replace(domain=domain, path=path)
    return reference


@lru_cache(maxsize=256)  # several ask about the base of a stage
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
    if len(f"{domain}/{repository}") - len(f"{DOCKER_HUB}/") * (domain == DOCKER_HUB) > 255:
        return "repository name must not be more than 255 characters"
    return None


def _split(reference: str) -> tuple[str, str]:
    first, slash, rest = reference.partition("/")
    is_domain = slash and (
        "." in first or ":" in first or first == "localhost" or first != first.lower()
    )
    domain, path = (first, rest) if is_domain else (DOCKER_HUB, reference)
    if domain == DOCKER_HUB and "/" not in path:
        path = f"library/{path}"
    return domain, path


def short(reference: str) -> str:
    """The form BuildKit looks up named contexts by: no default domain, no `:latest`."""
    domain, path = _split(reference)
    path = path.removesuffix(":latest")
    return path.removeprefix("library/") if domain == DOCKER_HUB else f"{domain}/{path}"


def canonical(reference: str) -> str:
    """One spelling for all that mean the same image: with its domain, and a tag unless digested."""
    domain, path = _split(reference)
    has_version = any(char in path.rpartition("/")[2] for char in ":@")
    return f"{domain}/{path}" if has_version else f"{domain}/{path}:latest"


#: Docker's official images (the library of Docker Hub, 2026): a name on this list is no typo.
OFFICIAL = frozenset(
    """
    adminer aerospike alpine alt amazoncorretto amazonlinux api-firewall arangodb archlinux
    backdrop bash bonita buildpack-deps busybox caddy cassandra centos chronograf cirros clearlinux
    clefos clickhouse clojure composer consul convertigo couchbase couchdb crate crux dart debian
    docker drupal eclipse-mosquitto eclipse-temurin eggdrop elasticsearch elixir emqx erlang
    fedora flink fluentd friendica gazebo gcc geonetwork ghost golang gradle groovy haproxy haskell
    haxe hello-world hitch hylang ibmjava influxdb irssi java jetty joomla jruby julia
    kapacitor kibana kong krakend lightstreamer liquibase logstash mageia mariadb matomo maven
    mediawiki memcached mongo mongo-express mono mysql nats nats-streaming neo4j neurodebian
    nextcloud nginx node notary odoo open-liberty openjdk opensuse oraclelinux orientdb percona
    perl photon php php-zendserver phpmyadmin plone postfixadmin postgres pypy python r-base
    rabbitmq rakudo-star rapidoid redis redmine registry rethinkdb rockylinux ros ruby rust
    sapmachine satosa scratch silverpeas sl solr sonarqube sourcemage spark spiped storm swift
    swipl teamspeak telegraf thrift tomcat tomee traefik ubuntu unit varnish vault websphere-liberty
    wordpress xwiki yourls znc zookeeper almalinux
    """.split()
)
