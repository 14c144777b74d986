"""What a Go program imports, as far as its sources lie in the repository.

With cgo, the packages `net` and `os/user` are linked with the C library of where they are compiled,
and so is what imports them (documentation of `net` and `cmd/cgo`). What a `.dockerignore` leaves out
is not looked at: no sources of a program that is compiled are.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase

from stagelint.model.calls import Call
from stagelint.model.linking import Imports
from stagelint.model.moments import Moment
from stagelint.syntax.validate import mounts
from stagelint.tuples import NamedTuple
from stagelint.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from stagelint.model.file import File
    from stagelint.model.project import Project

#: Packages of the standard library that import `net` or `os/user`, or C.
_STANDARD = frozenset(
    """
    C crypto/tls crypto/x509 expvar log/syslog mime/multipart net net/http net/mail net/rpc net/smtp
    net/textproto os/user plugin runtime/cgo
    """.split()
)
#: Modules all of whose programs do, since they are for the network, by their first words.
_NETWORK = (
    "cloud.google.com/go", "github.com/aws/aws-sdk-go", "github.com/gin-gonic/gin",
    "github.com/go-chi/chi", "github.com/go-redis/redis", "github.com/go-sql-driver/mysql",
    "github.com/gofiber/fiber", "github.com/gorilla/mux", "github.com/gorilla/websocket",
    "github.com/jackc/pgx", "github.com/labstack/echo", "github.com/lib/pq",
    "github.com/redis/go-redis", "go.mongodb.org/mongo-driver/mongo", "google.golang.org/grpc",
    "k8s.io/client-go/kubernetes",
)  # fmt: skip
#: Modules that import C.
_C = ("github.com/mattn/go-sqlite3", "github.com/confluentinc/confluent-kafka-go")

#: Options of `go build` whose value is the next word.
_VALUED = frozenset(
    """
    -o -p -asmflags -buildmode -buildvcs -compiler -covermode -coverpkg -gccgoflags -gcflags
    -installsuffix -ldflags -mod -modfile -overlay -pgo -pkgdir -tags -toolexec
    """.split()
)
#: Ends of the names of files that are for other systems, or for tests.
_OTHER = re.compile(
    r"_(?:test|windows|darwin|freebsd|netbsd|openbsd|dragonfly|solaris|illumos|aix|plan9|js|wasip1|ios"
    r"|android|386|arm|arm64|ppc64|ppc64le|mips\w*|riscv64|s390x|loong64|wasm)\.go\Z"
)
_CONSTRAINT = re.compile(r"^//(?:go:build| \+build)\s", re.MULTILINE)
_COMMENT = re.compile(r"/\*.*?\*/|^\s*//[^\n]*", re.DOTALL | re.MULTILINE)
_BODY = re.compile(r"^(?:func|type|var|const)\b", re.MULTILINE)
_IMPORT = re.compile(
    r"^import\s*(?:\((.*?)\)|(?:[\w.]+\s+)?(\"[^\"]+\"))", re.DOTALL | re.MULTILINE
)
_NAME = re.compile(r"\"([^\"]+)\"")
_MODULE = re.compile(r"^module\s+\"?([^\s\"]+)", re.MULTILINE)

#: Programs of more files are not followed further.
_MOST = 500


def imports(file: File, moment: Moment, call: Call, words: Sequence[str]) -> Imports:
    """Of the program that *call*, a `go build` in *moment*, compiles.

    *words* are its arguments as they are written.
    """
    project = file.options.project()
    path = project.path_of(file.source.path) if project else None
    folder = _package(call, words)
    if project is None or path is None or folder is None:
        return Imports()
    copies = [*_copies(file, moment)]
    found: list[Imports] = []
    context: str = posixpath.dirname(path)
    while True:  # the context is the folder of the Dockerfile, or one that this lies in
        sources = _Sources(project, context, copies)
        if sources.files(folder):
            found.append(_followed(sources, folder))
        if not context:
            break
        context = posixpath.dirname(context)
    if not found or any(not each.cgo and not each.is_complete for each in found):
        return Imports(is_c=any(each.is_c for each in found))
    using = [each for each in found if each.cgo]
    if using and len(using) < len(found):
        return Imports()
    return found[0]._replace(is_c=any(each.is_c for each in found))


def _package(call: Call, words: Sequence[str]) -> str | None:
    """The folder in the stage, or the file, of the one package that *call* compiles."""
    packages: list[str] = []
    is_value = False
    for argument, written in zip(call.arguments[1:], words[1:], strict=True):
        if is_value:
            is_value = False
        elif argument is None:
            if not written.lstrip("\"'").startswith("-"):
                return None
        elif argument.startswith("-"):
            is_value = argument in _VALUED
        else:
            packages.append(argument)
    if call.arguments[:1] != ("build",) or call.directory is None or "-C" in call.arguments:
        return None
    if any("..." in each or "@" in each for each in packages):
        return None
    if packages and all(each.endswith(".go") for each in packages):
        packages = [posixpath.join(".", posixpath.dirname(packages[0])) or "."]
    place = packages[0] if packages else "."
    if len(packages) > 1 or not place.startswith((".", "/")):
        return None
    return posixpath.normpath(posixpath.join(call.directory, place))


def _is_host(name: str) -> bool:
    return "." in name.split("/")[0]


class _Copy(NamedTuple):
    """Something of the build context that lies in the stage."""

    sources: tuple[str, ...]
    place: str
    is_folder: bool


def _copies(file: File, moment: Moment) -> Iterator[_Copy]:
    """What *moment* finds of the build context."""
    for each in file.moments_behind(moment.stage):
        node = each.instruction
        if node.keyword in ("COPY", "ADD") and len(node.arguments) > 1 and not node.flag("from"):
            *sources, last = (argument.value for argument in node.arguments)
            place = each.path(last)
            if place:
                is_folder = place.endswith("/") or len(sources) > 1
                yield _Copy(tuple(sources), place.rstrip("/") or "/", is_folder)
        elif each is moment:
            yield from _mounted(each)
        if each is moment:
            return


def _mounted(moment: Moment) -> Iterator[_Copy]:
    for fields in mounts(moment.instruction):
        if fields and fields.get("type", "bind") == "bind" and not fields.get("from"):
            word = fields.get("target") or fields.get("dst") or fields.get("destination")
            place = moment.path(word) if word else None
            source = fields.get("source") or fields.get("src") or "."
            if place:
                yield _Copy((source,), place.rstrip("/") or "/", is_folder=False)


class _Sources:
    """The files of Go in a stage that has *copies* of the build context."""

    def __init__(self, project: Project, context: str, copies: Sequence[_Copy]) -> None:
        self._project = project
        self._context = context
        self._copies = copies
        self.text = project.text

    def files(self, folder: str, suffix: str = ".go") -> list[str]:
        """Those whose names end with *suffix* in the absolute *folder* of the stage."""
        found = {
            path: None
            for copy in self._copies
            for source in copy.sources
            for path in self._copied(copy, source, folder)
            if path.endswith(suffix)
        }
        return [*found]

    def _copied(self, copy: _Copy, source: str, folder: str) -> Iterable[str]:
        local = posixpath.normpath(posixpath.join(self._context, source.lstrip("/")))
        local = "" if local == "." else local
        if any(sign in local for sign in "*?["):
            beside = self._project.by_folder.get(posixpath.dirname(local), ())
            return [each for each in beside if copy.place == folder and fnmatchcase(each, local)]
        if local in self._project.files:
            is_folder = copy.is_folder or not copy.place.endswith((".go", "/go.mod"))
            place = copy.place if is_folder else posixpath.dirname(copy.place)
            return [local] if place == folder else []
        if folder != copy.place and not folder.startswith(copy.place.rstrip("/") + "/"):
            return []
        inside = folder[len(copy.place) :].strip("/")
        return self._project.by_folder.get(posixpath.join(local, inside).rstrip("/"), ())


def _followed(sources: _Sources, folder: str) -> Imports:
    """What the package in *folder* imports, and what that imports."""
    module, top = _module(sources, folder)
    done: set[str] = set()
    pending = [folder]
    is_complete, is_c, cgo, read = True, False, "", 0
    while pending:
        at = pending.pop(0)
        if at in done:
            continue
        done.add(at)
        for path in sources.files(at):
            read += 1
            names = None if read > _MOST else _of_file(sources, path)
            if names is None:
                is_complete = False
                continue
            for name in names:
                is_local = bool(module) and (name == module or name.startswith(f"{module}/"))
                is_c = is_c or name == "C" or name.startswith(_C)
                if not cgo and _uses(name):
                    cgo = f"`{path}` imports `{name}`"
                inside = posixpath.join(top, name[len(module) :].strip("/"))
                vendored = posixpath.join(top, "vendor", name)
                if is_local:
                    inside = inside.rstrip("/")
                    is_complete = is_complete and bool(sources.files(inside))
                    pending.append(inside)
                elif _is_host(name):
                    is_complete = is_complete and bool(module and sources.files(vendored))
                    pending.append(vendored)
    return Imports(cgo, is_complete, is_c)


def _uses(name: str) -> bool:
    is_standard = name in _STANDARD or name.startswith(("net/http/", "net/rpc/"))
    return is_standard or name.startswith((*_NETWORK, *_C))


def _module(sources: _Sources, folder: str) -> tuple[str, str]:
    """The name of the module that *folder* belongs to, and where that lies; empty if not known."""
    at: str = folder
    while True:
        for path in sources.files(at, "go.mod"):
            name = _MODULE.search(sources.text(path) or "")
            if name:
                return name[1], at
        if at == "/":
            return "", ""
        at = posixpath.dirname(at)


def _of_file(sources: _Sources, path: str) -> list[str] | None:
    """What a file imports that is compiled; None if it may be compiled or not."""
    if _OTHER.search(path):
        return []
    text = sources.text(path)
    if text is None:
        return None
    if _CONSTRAINT.search(text):
        return [] if re.search(r"^//(?:go:build| \+build) ignore\b", text, re.MULTILINE) else None
    text = _COMMENT.sub("", text)
    body = _BODY.search(text)
    text = text[: body.start()] if body else text
    return [
        name for match in _IMPORT.finditer(text) for name in _NAME.findall(match[1] or match[2])
    ]
