"""HTTP as a registry is spoken to: every answer and every wait is bounded, no secret strays.

By urllib3: it knows proxies, TLS, what a broken connection is, backoff and Retry-After. What is
decided here is what it leaves open: it would follow a redirect from https to http, would read all
of an error's body before it tries again, and its timeouts are of one read each (`deadline` bounds
the whole). `oras`, a client of registries, was looked at as well: version 0.2.43 has no timeouts,
follows redirects to http, sends passwords to any realm, checks no digest of a manifest, and reads
answers of any size. It brings eleven packages and takes 250 ms to import; urllib3 brings none and
takes 110 ms.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urljoin
from urllib.request import getproxies, proxy_bypass

from urllib3 import (
    BaseHTTPResponse,
    HTTPHeaderDict,
    PoolManager,
    ProxyManager,
    Timeout,
    make_headers,
)
from urllib3 import exceptions as failures
from urllib3.util import Retry, Url, parse_url

from stagelint import __version__
from stagelint.tuples import NamedTuple

#: Bytes of an answer; registries refuse larger manifests as well.
LIMIT = 4 << 20
CONNECT, READ = 10.0, 20.0
_TRIES = 4
_LONGEST_WAIT = 30
_REDIRECTS = 5
_REDIRECTED = (301, 302, 303, 307, 308)
#: Statuses that may be others a moment later.
_BUSY = (429, 500, 502, 503, 504)
_PASSING = (
    failures.NewConnectionError,
    failures.TimeoutError,
    failures.ProtocolError,
    failures.IncompleteRead,
)


class WebError(Exception):
    """No answer that can be used; the message is one line, and begins with the host."""


class Answer(NamedTuple):
    """What came back in the end, after redirects."""

    url: str
    status: int
    headers: HTTPHeaderDict
    body: bytes


class Web:
    """Connections for one task. All methods raise `WebError`."""

    def __init__(self, *, plain_http: bool = False) -> None:
        """With *plain_http* hosts other than this machine may be asked without TLS, too."""
        self._plain_http = plain_http
        self._managers: dict[str, PoolManager] = {}

    def base(self, host: str) -> str:
        """The beginning of the URLs of *host*, which may have a port."""
        is_plain = self._plain_http or is_here(_parsed(f"https://{host}"))
        return f"{'http' if is_plain else 'https'}://{host}"

    def get(self, url: str, headers: Mapping[str, str], authorization: str = "") -> Answer:
        """The answer to GET. *authorization* goes to the host of *url*, and is never redirected."""
        start = origin(url)
        for _ in range(_REDIRECTS + 1):
            secret = {"Authorization": authorization} if authorization else {}
            answer = self._request("GET", url, {**headers, **secret})
            if answer.status not in _REDIRECTED:
                return answer
            url = self._redirected(answer)
            if origin(url) != start:
                authorization = ""
        raise WebError(f"{_host(url)}: redirects more than {_REDIRECTS} times")

    def post(self, url: str, headers: Mapping[str, str], body: str) -> Answer:
        """The answer to POST, which is not redirected."""
        return self._request("POST", url, headers, body)

    def check(self, url: str) -> None:
        """Raises if *url* is none that may be asked: not http, or http where https is needed."""
        parsed = _parsed(url)
        if parsed.scheme not in ("http", "https") or not parsed.host:
            raise WebError(f"{_shown(url)}: is no address of http")
        if parsed.scheme == "http" and not (self._plain_http or is_here(parsed)):
            raise WebError(f"{_host(url)}: is not asked without TLS (--plain-http allows it)")

    def _redirected(self, answer: Answer) -> str:
        location = answer.headers.get("Location")
        if not location:
            raise WebError(f"{_host(answer.url)}: redirects to nowhere")
        try:
            url = urljoin(answer.url, location)
        except ValueError:
            raise WebError(f"{_shown(location)}: is no address of http") from None
        self.check(url)
        if answer.url.startswith("https:") and not url.startswith("https:"):
            raise WebError(f"{_host(answer.url)}: redirects from https to http")
        return url

    def _request(
        self, method: str, url: str, headers: Mapping[str, str], body: str | None = None
    ) -> Answer:
        self.check(url)
        retry = Retry(
            None,
            allowed_methods=None,
            backoff_factor=0.25,
            backoff_jitter=0.25,
            backoff_max=_LONGEST_WAIT,
            retry_after_max=_LONGEST_WAIT,
        )
        for left in range(_TRIES - 1, -1, -1):
            response, failure = None, None
            try:
                response, data = self._once(method, url, headers, body)
            except _PASSING as error:
                failure = error
                if not left:
                    raise WebError(f"{_host(url)}: {_reason(error)}") from None
            except failures.HTTPError as error:
                raise WebError(f"{_host(url)}: {_reason(error)}") from None
            else:
                if not left or response.status not in _BUSY:
                    return Answer(url, response.status, response.headers, data)
            retry = retry.increment(method, url, response=response, error=failure)
            _wait(retry, response)
        raise AssertionError("the last try returns or raises")

    def _once(
        self, method: str, url: str, headers: Mapping[str, str], body: str | None
    ) -> tuple[BaseHTTPResponse, bytes]:
        response = self._manager(url).request(
            method,
            url,
            body=body,
            headers={"User-Agent": f"stagelint/{__version__}", **headers},
            timeout=Timeout(connect=CONNECT, read=READ),
            retries=False,
            redirect=False,
            preload_content=False,
        )
        data = b""
        try:
            # To the end, and the end again: only that tells an answer that broke off.
            while piece := response.read(LIMIT + 1 - len(data), decode_content=False):
                data += piece
                if len(data) > LIMIT:
                    raise WebError(f"{_host(url)}: sends more than {LIMIT >> 20} MiB")
        finally:
            if len(data) > LIMIT or response.status in _BUSY:
                response.close()
            else:
                response.release_conn()
        return response, data

    def _manager(self, url: str) -> PoolManager:
        """For the proxy that the environment names for *url*, if it names one."""
        parsed = _parsed(url)
        host = parsed.host or ""
        is_direct = is_here(parsed) or bool(proxy_bypass(host.strip("[]")))
        proxy = "" if is_direct else getproxies().get(parsed.scheme or "", "")
        if proxy not in self._managers:
            self._managers[proxy] = _proxied(proxy) if proxy else PoolManager()
        return self._managers[proxy]


def origin(url: str) -> tuple[str, str, int]:
    """What a secret is for: scheme, host and port. Raises `WebError` if *url* is none."""
    parsed = _parsed(url)
    scheme = parsed.scheme or ""
    return scheme, parsed.host or "", parsed.port or {"https": 443}.get(scheme, 80)


def is_safe(url: str) -> bool:
    """May a secret be sent there: by TLS, or on this machine? Raises `WebError`."""
    parsed = _parsed(url)
    return parsed.scheme == "https" or is_here(parsed)


def is_here(parsed: Url) -> bool:
    """Is it this very machine, by an address or by the name that stands for one?"""
    host = (parsed.host or "").strip("[]")
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _parsed(url: str) -> Url:
    try:
        return parse_url(url)
    except failures.LocationParseError:
        raise WebError(f"{_shown(url)}: is no address of http") from None


def _proxied(url: str) -> PoolManager:
    parsed = _parsed(url if "://" in url else f"http://{url}")
    headers = make_headers(proxy_basic_auth=parsed.auth) if parsed.auth else None
    try:
        return ProxyManager(parsed._replace(auth=None).url, proxy_headers=headers)
    except failures.HTTPError:
        raise WebError(f"{parsed.host}: no proxy of a kind that is known") from None


def _wait(retry: Retry, response: BaseHTTPResponse | None) -> None:
    try:
        retry.sleep(response)
    except (failures.InvalidHeader, ValueError):  # Retry-After is neither a number nor a date
        retry.sleep()


def _host(url: str) -> str:
    return _shown(_parsed(url).netloc or url)


def _shown(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:197]}..."


def _reason(error: failures.HTTPError) -> str:
    if isinstance(error, failures.NameResolutionError):
        return "there is no such host, or no network"
    if isinstance(error, failures.NewConnectionError):  # which is a ConnectTimeoutError, too
        cause = error.__cause__
        words = cause.strerror if isinstance(cause, OSError) else None
        return f"cannot be reached: {(words or 'no connection').lower()}"
    if isinstance(error, failures.ConnectTimeoutError):
        return f"does not answer within {CONNECT:g} seconds"
    if isinstance(error, failures.ReadTimeoutError):
        return f"sends nothing for {READ:g} seconds"
    if isinstance(error, failures.SSLError):
        return f"no secure connection: {_shown(str(error))}"
    if isinstance(error, failures.ProxyError):
        return "the proxy cannot be reached"
    if isinstance(error, failures.ProtocolError):
        return "breaks off, or does not speak http"
    return _shown(str(error))
