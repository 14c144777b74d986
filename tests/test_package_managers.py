"""What package managers are told: versions, consent, caches, and the edits that tell them more."""

from __future__ import annotations

from time import process_time

import pytest

from stagelint.edit import Fix, apply
from stagelint.model.caches import (
    APK_CACHE,
    APT_LISTS,
    DNF_CACHE,
    PIP_CACHE,
    YARN_CACHE,
    Cache,
    filled,
    pip_caches,
)
from stagelint.model.consent import APT_ASKS, ZYPPER_ASKS, asked, installs_recommended
from stagelint.model.file import File
from stagelint.model.moments import Moment
from stagelint.model.packages import manager_calls, packages
from stagelint.model.pins import unpinned, unpinned_modules
from stagelint.model.rewriting import add_option, append_command
from stagelint.source import Source

ANY = ("apt-get", "apk", "dnf", "zypper", "pip", "npm", "gem", "uv pip", "pipx")


def written(text: str) -> tuple[File, list[Moment]]:
    """The file *text*, which is taken for what follows a FROM if it has none."""
    file = File(Source("Dockerfile", text if "FROM" in text else f"FROM alpine\n{text}\n"))
    return file, file.written(file.stages[-1])


def run(script: str) -> Moment:
    return written(f"RUN {script}")[1][-1]


# -- calls -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "program", "verb"),
    [
        ("apt-get -qq -o Dpkg::Use-Pty=0 install -y curl", "apt-get", "install"),
        ("apk --repository https://example.com add curl", "apk", "add"),
        ("python3 -u -m pip install x", "pip", "install"),
        ("/venv/bin/pip3.13 --no-cache-dir install x", "pip", "install"),
        ("uv pip install x", "uv pip", "install"),
        ("dnf -y group install x", "dnf", "group install"),
        ("yarn --frozen-lockfile", "yarn", ""),
        ("npm $VERB x", "npm", "x"),
    ],
)
def test_what_a_manager_is_told(script: str, program: str, verb: str) -> None:
    (found,) = manager_calls(run(script).calls)

    assert (found.program, found.verb) == (program, verb)


def test_a_variable_alone_is_split_into_words() -> None:
    _, moments = written('ENV P="curl git" N=\nRUN $N apk add $P "$P" x$P $N')
    (call,) = moments[-1].calls

    assert call.arguments == ("add", "curl", "git", "curl git", None)


def test_what_an_onbuild_runs_is_written_where_it_stands() -> None:
    file, moments = written("FROM a AS x\nONBUILD RUN apk add curl\nWORKDIR /y\nFROM x\nRUN make")
    first = file.written(file.stages[0])

    assert [call.name for each in first for call in each.calls] == ["apk"]
    assert first[0].directory == "/y"
    assert [call.name for each in moments for call in each.calls] == ["make"]


# -- versions --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "names"),
    [
        ("apt-get install curl git=1 vim/stable nano- ./x.deb x.deb", ("curl",)),
        ("apt-get install -t stable curl:amd64 $X y-$(uname -r)", ("curl:amd64",)),
        ("apt-get remove curl", ()),
        ("apk add -t .d -X example.com/a a b=1 'c>1' d~2 e@edge !f", ("a", "e@edge")),
        ("dnf install a b-1.2 @c d.rpm 'e(f)' /usr/bin/g java-17-openjdk", ("a",)),
        ("dnf module install -y a b:1", ("a",)),
        ("dnf groupinstall a", ()),
        ("zypper in a 'b>=1' c-1", ("a",)),
        ("zypper in -t pattern a", ()),
        ("pip install a b==1 'c[d]' 'e; f<1' ./g h.whl .[i]", ("a", "c[d]", "e; f<1")),
        ("pip install -r a b", ()),
        ("pip install --constraint=a b", ()),
        ("pip install git+https://a/b git+https://a/b@c", ("git+https://a/b",)),
        ("pip install -e . a", ("a",)),
        ("pipx install a b==1", ("a",)),
        ("uv pip install a", ("a",)),
        ("npm i a b@1 @c/d @e/f@2 g@latest h/i#j --omit dev", ("a", "@c/d", "g@latest")),
        ("npm install . ../a ./b.tgz", ()),
        ("gem install a b:1 -- --with-c d", ("a",)),
        ("gem install a -v 1", ()),
    ],
)
def test_what_has_no_version(script: str, names: tuple[str, ...]) -> None:
    found = [name for each in unpinned([run(script)], *ANY) for name in each.names]

    assert tuple(found) == names


@pytest.mark.parametrize(
    ("script", "names"),
    [
        ("go install a.example/b@latest a.example/c@v1", ["a.example/b@latest"]),
        ("go get -u a.example/b a.example/c@v1", ["a.example/b"]),
        ("go install a.example/b ./c cmd/vet && go run main.go", []),
        ("go run a.example/b@main", ["a.example/b@main"]),
    ],
)
def test_modules_without_a_version(script: str, names: list[str]) -> None:
    assert [name for each in unpinned_modules([run(script)]) for name in each.names] == names


# -- consent ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "asks"),
    [
        ("apt-get install a", True),
        ("sudo apt remove a", True),
        ("sh -c 'apt-get upgrade'", True),
        ("apt-get -q install a", True),
        ("apt-get -qq install a", False),
        ("apt-get -q -q install a", False),
        ("apt-get install a --assume-yes", False),
        ("apt-get -oAPT::Get::Assume-Yes=true install a", False),
        ("apt-get -o APT::Get::Assume-Yes=1 install a", False),
        ("yes | apt-get install a", False),
        ("yes | (apt-get install a)", False),
        ("yes | sh -c 'apt-get install a'", False),
        ("make | tee x && apt-get install a", True),
        ("apt-get install $OPTIONS a", False),
        ("apt-get update", False),
    ],
)
def test_who_waits_for_an_answer(script: str, asks: bool) -> None:
    file, _ = written(f"RUN {script}")

    assert bool([*asked(file, file.stages[0], APT_ASKS)]) == asks


@pytest.mark.parametrize(
    ("above", "asks"),
    [
        ("""RUN echo 'APT::Get::Assume-Yes "true";' > /etc/apt/apt.conf.d/9""", False),
        ("COPY yes.conf /etc/apt/apt.conf.d/", False),
        ("RUN apt-get --assume-yes update", True),
    ],
)
def test_an_answer_in_a_file(above: str, asks: bool) -> None:
    file, _ = written(f"{above}\nRUN apt-get install a")

    assert bool([*asked(file, file.stages[0], APT_ASKS)]) == asks


# -- caches ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "cache", "is_left"),
    [
        ("apt-get update", APT_LISTS, True),
        ("apt-get update && rm -rf /var/lib/apt/lists/*", APT_LISTS, False),
        ("apt-get update && rm -rf /var/lib/{apt,dpkg}/ /tmp/*", APT_LISTS, False),
        ("apt-get update && rm -rf /var/lib/{dpkg,x}/ /tmp/*", APT_LISTS, True),
        ("apt-get update && rm -rf /var/cache/apt/archives", APT_LISTS, True),
        ("apt-get update && cd /var/lib/apt && rm -rf lists", APT_LISTS, False),
        ("apt-get update && find /var/lib/apt/lists -type f -delete", APT_LISTS, False),
        ("rm -rf /var/lib/apt/lists && apt-get update", APT_LISTS, True),
        ("apt-get update && rm -rf $LISTS", APT_LISTS, False),
        ("--mount=type=cache,target=/var/lib/apt apt-get update", APT_LISTS, False),
        ("--mount=type=cache,target=/var/cache/apt apt-get update", APT_LISTS, True),
        ("dnf install a && rm -rf /var/cache/libdnf5*", DNF_CACHE, False),
        ("dnf install a && yum clean all", DNF_CACHE, False),
        ("apk add a", APK_CACHE, True),
        ("apk --no-cache add a", APK_CACHE, False),
        ("pip install a && rm -r ~/.cache", PIP_CACHE, False),
        ("pip install a && rm -r /home/me/.cache/pip", PIP_CACHE, False),
        ("pip install a && rm -r /tmp/pip", PIP_CACHE, True),
        ("yarn && yarn cache clean", YARN_CACHE, False),
        ("yarn && yarn build", YARN_CACHE, True),
        ("yarn --version", YARN_CACHE, False),
    ],
)
def test_what_stays_in_a_cache(script: str, cache: Cache, is_left: bool) -> None:
    assert bool([*filled(run(script), cache)]) == is_left


@pytest.mark.parametrize(
    ("text", "is_left"),
    [
        ("RUN pip install a", True),
        ("ENV PIP_NO_CACHE_DIR=\nRUN pip install a", True),
        ("ENV PIP_NO_CACHE_DIR=1\nRUN pip install a", False),
        ("ENV PIP_NO_CACHE_DIR=0\nRUN pip install a", False),
        ("ARG PIP_NO_CACHE_DIR\nRUN pip install a", False),
        ("RUN export PIP_NO_CACHE_DIR=on && pip install a", False),
        ("RUN pip config set global.no-cache-dir true\nRUN pip install a", False),
        ("COPY pip.conf /etc/pip.conf\nRUN pip install a", False),
        ("RUN --mount=type=cache,target=/c pip install --cache-dir=/c/pip a", False),
    ],
)
def test_what_pip_leaves(text: str, is_left: bool) -> None:
    file, _ = written(text)

    assert bool([*pip_caches(file, file.stages[0])]) == is_left


def test_what_is_recommended() -> None:
    file, _ = written("RUN apt-get -f install && apt install a && apt-get install -y b=1 $X")
    found = [told.call.arguments for _, told in installs_recommended(file, file.stages[0])]

    assert found == [("install", "a"), ("install", "-y", "b=1", None)]


# -- edits -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("apt-get install a", "apt-get install -y a"),
        ("apt-get \\\n  install \\\n  a", "apt-get \\\n  install -y \\\n  a"),
        ('"apt-get" "install" a', '"apt-get" "install" -y a'),
        ('["apt-get", "install", "a"]', '["apt-get", "install", "-y", "a"]'),
        ("<<E\napt-get install a\nE", "<<E\napt-get install -y a\nE"),
        ("sh -c 'apt-get install a'", None),
    ],
)
def test_adding_an_option(script: str, expected: str | None) -> None:
    moment = run(script)
    (told,) = manager_calls(moment.calls)
    edits = add_option(moment.instruction, told.call, told.at, "-y")

    text, *_ = apply(moment.instruction.text, [Fix("", edits)])

    assert text == f"FROM alpine\nRUN {expected or script}\n"
    assert bool(edits) == (expected is not None)


def test_an_option_of_the_program_itself() -> None:
    file, _ = written("RUN sudo /usr/bin/zypper in a")
    ((moment, told),) = asked(file, file.stages[0], ZYPPER_ASKS)

    (edit,) = add_option(moment.instruction, told.call, -1, "-n")

    assert file.source.text[: edit.span.start].endswith("/usr/bin/zypper")


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("a", "a && clean"),
        ("a; b > c", "a; b > c && clean"),
        ("a \\\n  && b", "a \\\n  && b \\\n  && clean"),
        ("a \\\r\n\t&& b # c", None),
        ("a \\\r\n\t&& b", "a \\\r\n\t&& b \\\r\n\t&& clean"),
        ("sudo -E a", "sudo -E a && sudo clean"),
        ("if a; then b; fi", None),
        ("(a)", None),
        ("{ a; }", None),
        ("a &", None),
        ("exec a", None),
        ("a <<E\nE", None),
        ("<<E\na\nb \\\n  c\nE", "<<E\na\nb \\\n  c && clean\nE"),
        ("<<-E\n\tif a; then\n\tb; fi\nE", None),
        ("<<A <<B\na\nA\nb\nB", None),
        ('["a"]', None),
    ],
)
def test_appending_a_command(script: str, expected: str | None) -> None:
    moment = run(script)
    call = next(iter(moment.calls), run("a").calls[0])

    text, *_ = apply(
        moment.instruction.text, [Fix("", append_command(moment.instruction, "clean", call))]
    )

    assert text == f"FROM alpine\nRUN {expected or script}\n"


@pytest.mark.parametrize(
    "script",
    [
        "apt-get install -{}! && rm -rf {}",
        "npm install {}/ {}@",
        "pip install {}.whl[ git+https://{}/",
        "go get {}.a",
        "rm -rf " + "{{a,b}}" * 40 + "{} && apt-get update",
        "apt-get update && rm -rf " + "/*{}" * 20,
    ],
)
def test_long_words_are_read_in_linear_time(script: str) -> None:
    file, moments = written(f"RUN {script.format(*['y@.-/{' * 5000] * 40)}\nRUN apt-get install a")
    begin = process_time()
    for moment in moments:
        list(unpinned([moment], *ANY))
        list(unpinned_modules([moment]))
        list(filled(moment, APT_LISTS))
        list(packages(moment.calls))
    list(asked(file, file.stages[0], APT_ASKS))

    assert process_time() - begin < 2
