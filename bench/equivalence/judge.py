"""Do two Dockerfiles build the same? BuildKit's word, and stagelint's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from random import Random
from typing import NamedTuple

from bench.equivalence.assignments import one_by_one
from bench.equivalence.bake import MOST, Answer, Bake, Question, TooEarly
from bench.equivalence.images import Images
from bench.equivalence.reading import STEPS, Args, all_targets, file_of, without_steps
from stagelint import proof

#: So many more arguments are tried before a pair that stagelint does not call equal is.
MORE = 16


class Pair(NamedTuple):
    """A Dockerfile, what became of it in the way *kind* says, and the arguments to try."""

    kind: str
    origin: str
    before: str
    after: str
    assignments: tuple[Args, ...]


class Verdict(StrEnum):
    """What BuildKit makes of a pair."""

    EQUAL = "equal"
    DIFFERENT = "different"
    REJECTED = "rejected"
    """It builds no target of the file as it was."""
    REJECTED_AFTER = "rejected after"
    """It builds the file as it was, and not what became of it."""
    UNAVAILABLE = "unavailable"
    """A base cannot be had, for instance one of another platform: nothing is known."""


class Judgement(NamedTuple):
    pair: Pair
    verdict: Verdict
    reason: str
    """What differs first."""
    objection: str
    """Why stagelint does not call the two the same; empty if it does."""
    builds: int = 0
    """So many builds of the file as it was were compared, of every target with all arguments."""
    differing: int = 0

    @property
    def is_violation(self) -> bool:
        """Does stagelint call the same what BuildKit does not?"""
        known = self.verdict not in (Verdict.EQUAL, Verdict.UNAVAILABLE)
        return known and not self.objection

    @property
    def is_missed(self) -> bool:
        return self.verdict is Verdict.EQUAL and bool(self.objection)


class Unit(NamedTuple):
    """One build that the files of a pair are compared by; all targets at once if *together*."""

    pair: int
    target: str
    args: Args
    together: bool = False


Answers = tuple[Answer, Answer]


def objection(before: str, after: str) -> str:
    """Why stagelint does not call the two the same build; empty if it does."""
    try:
        proof.same_build(file_of(before), file_of(after))
    except proof.Difference as difference:
        return str(difference) or "a difference"
    return ""


class Judge:
    """Asks BuildKit as little as it takes: most that differs does so in the first build."""

    def __init__(self, bake: Bake, images: Images) -> None:
        self._bake = bake
        self._images = images

    def judge(self, pairs: Sequence[Pair]) -> list[Judgement]:
        """What BuildKit and stagelint say of each."""
        found = self._judge(pairs)
        missed = [at for at, each in enumerate(found) if each.is_missed]
        again = self._judge([_with_more_arguments(pairs[at]) for at in missed])
        for at, judgement in zip(missed, again, strict=True):
            found[at] = judgement
        return found

    def _judge(self, pairs: Sequence[Pair]) -> list[Judgement]:
        first = [Unit(at, "", ()) for at in range(len(pairs))]
        answers = self._ask(pairs, first)
        open_ = [at for at, pair in enumerate(pairs) if _is_open(pair, answers[first[at]])]
        answers |= self._ask(pairs, [each for at in open_ for each in _other_units(at, pairs[at])])
        together = [unit for unit in answers if unit.together]
        unclear = [unit for unit in together if not _is_clear(answers.pop(unit))]
        answers |= self._ask(pairs, _one_by_one(pairs, unclear))
        same = _those_that_are_the_same(answers)
        clear = [unit for unit in together if unit not in unclear and unit.pair in same]
        built = [unit for unit in answers if unit.pair in same and _is_built(answers[unit])]
        configs = self._ask_configs(pairs, [*built, *_one_by_one(pairs, clear)])
        builds = Counter(unit.pair for unit in answers if _is_built(answers[unit]))
        builds.update(unit.pair for unit in _one_by_one(pairs, clear))
        found: list[Judgement] = []
        for at, pair in enumerate(pairs):
            graphs = {unit: each for unit, each in answers.items() if unit.pair == at}
            images = {unit: each for unit, each in configs.items() if unit.pair == at}
            differing = sum(not _is_same(each) for each in (*graphs.values(), *images.values()))
            said = objection(pair.before, pair.after)
            verdict, reason = _verdict(graphs, images)
            found.append(Judgement(pair, verdict, reason, said, builds[at], differing))
        return found

    def _ask(self, pairs: Sequence[Pair], units: Sequence[Unit]) -> dict[Unit, Answers]:
        found: dict[Unit, Answers] = {}
        for start in range(0, len(units), MOST // 2):
            found |= self._ask_at_once(pairs, units[start : start + MOST // 2])
        return found

    def _ask_at_once(self, pairs: Sequence[Pair], units: Sequence[Unit]) -> dict[Unit, Answers]:
        """The answers of one call, or of two if that is too much; those of a unit stay together."""
        couples = {unit: _questions(pairs[unit.pair], unit) for unit in units}
        asked = [question for couple in couples.values() for question in couple]
        self._images.provide(image for each in asked for image in _images(each))
        try:
            answers = self._bake.graphs(asked, _expected)
        except TooEarly as error:
            if len(units) == 1:
                nothing = Answer("unavailable", message=str(error))
                return {units[0]: (nothing, nothing)}
            half = len(units) // 2
            first = self._ask_at_once(pairs, units[:half])
            return first | self._ask_at_once(pairs, units[half:])
        return {unit: (answers[one], answers[other]) for unit, (one, other) in couples.items()}

    def _ask_configs(self, pairs: Sequence[Pair], units: Sequence[Unit]) -> dict[Unit, Answers]:
        """Of those whose files still differ when all that runs is taken out."""
        couples: dict[Unit, tuple[Question, Question]] = {}
        for unit in units:
            before, after = (
                each._replace(text=without_steps(each.text, each.target))
                for each in _questions(pairs[unit.pair], unit)
            )
            if before != after:
                couples[unit] = before, after
        asked = [question for couple in couples.values() for question in couple]
        answers = self._bake.configs(asked)
        return {unit: (answers[one], answers[other]) for unit, (one, other) in couples.items()}


def _with_more_arguments(pair: Pair) -> Pair:
    before, after = file_of(pair.before), file_of(pair.after)
    more = one_by_one(before, after, Random(pair.after), MORE)
    return pair._replace(assignments=tuple(dict.fromkeys(pair.assignments + more)))


def _questions(pair: Pair, unit: Unit) -> tuple[Question, Question]:
    before, after = pair.before, pair.after
    if unit.together:
        names = _targets(pair)
        before, after = all_targets(before, names), all_targets(after, names)
    return Question(before, unit.target, unit.args), Question(after, unit.target, unit.args)


def _targets(pair: Pair) -> list[str]:
    """The last stage, and all that can be asked for by name before."""
    file = file_of(pair.before)
    names = [stage.name or "" for stage in file.stages if file.table.selectable(stage)]
    return ["", *dict.fromkeys(names)]


def _other_units(at: int, pair: Pair) -> Iterator[Unit]:
    """The builds of every target that can be asked for, with all arguments, but the first."""
    names = _targets(pair)
    together = all(all_targets(each, names) for each in (pair.before, pair.after))
    for args in pair.assignments:
        if together and args:
            yield Unit(at, "", args, together=True)
        else:
            yield from (Unit(at, name, args) for name in names if name or args)


def _one_by_one(pairs: Sequence[Pair], units: Iterable[Unit]) -> list[Unit]:
    """The builds that were compared together."""
    return [
        Unit(unit.pair, name, unit.args) for unit in units for name in _targets(pairs[unit.pair])
    ]


def _is_clear(answers: Answers) -> bool:
    """Is what all targets make together the same, and so each?"""
    return _is_same(answers) and answers[0].kind == "graph"


def _those_that_are_the_same(answers: dict[Unit, Answers]) -> set[int]:
    """The pairs no graph of which differs."""
    found = {unit.pair for unit in answers}
    return found - {unit.pair for unit, each in answers.items() if not _is_same(each)}


def _is_open(pair: Pair, first: Answers) -> bool:
    """Can other builds still tell the two apart, or be the same?"""
    if first[0].kind == "rejected" and file_of(pair.before).is_rejected:
        return False
    return _is_same(first)


def _is_same(answers: Answers) -> bool:
    """Is there nothing that tells the two apart?"""
    return not _is_known(answers) or answers[0].essence == answers[1].essence


def _is_known(answers: Answers) -> bool:
    """Has BuildKit answered for both?"""
    return all(each.kind != "unavailable" for each in answers)


def _is_built(answers: Answers) -> bool:
    return answers[0].kind in ("graph", "empty")


def _verdict(graphs: dict[Unit, Answers], configs: dict[Unit, Answers]) -> tuple[Verdict, str]:
    for unit, answers in graphs.items():
        if not _is_same(answers):
            lost = _is_built(answers) and answers[1].kind == "rejected"
            verdict = Verdict.REJECTED_AFTER if lost else Verdict.DIFFERENT
            return verdict, f"{_build(unit)}: {_told(answers[0])}, then {_told(answers[1])}"
    for unit, answers in configs.items():
        if not _is_same(answers):
            return Verdict.DIFFERENT, f"{_build(unit)}: {answers[0].value}, then {answers[1].value}"
    for unit, answers in (*graphs.items(), *configs.items()):
        if not _is_known(answers) and answers[0] != answers[1]:
            return Verdict.UNAVAILABLE, f"{_build(unit)}: {' '.join(map(_told, answers))}"
    if not any(map(_is_built, graphs.values())):
        kinds = {answers[0].kind for answers in graphs.values()}
        verdict = Verdict.UNAVAILABLE if "unavailable" in kinds else Verdict.REJECTED
        return verdict, next(iter(graphs.values()))[0].message
    return Verdict.EQUAL, ""


def _build(unit: Unit) -> str:
    args = " ".join(f"{name}={value!r}" for name, value in unit.args)
    return f"target {unit.target!r} {args}".rstrip()


def _told(answer: Answer) -> str:
    return f"{answer.kind} {answer.message or answer.value[7:19]}".rstrip()


def _images(question: Question) -> Iterator[str]:
    """The images a build asks for."""
    for reference in file_of(question.text, question.args).graph.references:
        if reference.image:
            yield reference.image


def _expected(question: Question) -> str:
    """The kind of the answer, by guess: a wrong one costs time alone."""
    file = file_of(question.text, question.args)
    if file.rejection(question.target):
        return "rejected"
    at = file.find_target(question.target)
    while at is not None:
        stage = file.stages[at]
        if any(each.keyword in (*STEPS, "WORKDIR", "ONBUILD") for each in stage.instructions):
            return "graph"
        if stage.base.stage is None and not stage.base.is_scratch:
            return "graph"
        at = stage.base.stage
    return "empty"
