"""Other YAML files than the manifest, read as strictly: the same words and carets, all problems at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError

from pilotage.errors import Place, Problem
from pilotage.manifest.compose import Unreadable, compose
from pilotage.manifest.data import Reading
from pilotage.manifest.explain import explain
from pilotage.manifest.load import check_characters
from pilotage.manifest.model import ManifestError
from pilotage.manifest.nodes import Location, Node, locate
from pilotage.manifest.rules import secrets_in
from pilotage.manifest.secrets import mark_secrets
from pilotage.manifest.source import Finding, Source

Model = TypeVar("Model", bound=BaseModel)
Faults = Callable[[Model], Iterable[tuple[Location, str]]]
"""What is wrong with a whole that is well formed: where, and what."""


@dataclass(frozen=True)
class Marked(Generic[Model]):
    """What was read, and where in the file each of its parts stands."""

    value: Model
    _source: Source
    _root: Node

    def place(self, *location: str | int) -> Place:
        """Where something is written, or near it."""
        return self._source.place(locate(self._root, location).span)


def read_strictly(text: str, file: str, model: type[Model], faults: Faults[Model] | None = None) -> Model:
    """ManifestError with all problems in file order; ``file`` is what it is called in places."""
    return read_marked(text, file, model, faults).value


def read_marked(text: str, file: str, model: type[Model], faults: Faults[Model] | None = None) -> Marked[Model]:
    """As ``read_strictly``, with the places."""
    text = text.removeprefix("\ufeff")
    source = Source(text, file)
    if not text.strip():
        problem = Problem(code="manifest.empty", what="there is nothing in this file", where=Place(file=file))
        raise ManifestError(problem)
    try:
        check_characters(source)
        root, findings = compose(source)
    except Unreadable as error:
        raise ManifestError(source.problem(error.finding)) from None
    mark_secrets(root)
    source.cover_secrets(root)
    reading = Reading(root)
    for node, finding in secrets_in(root, "keep it elsewhere; say here where it is, not what it is"):
        reading.fault(node, finding)
    whole = None
    try:
        whole = model.model_validate(reading.data)
    except ValidationError as error:
        explain(error, reading, model)
    findings = findings + reading.findings
    if whole is not None and faults is not None:
        found = [(locate(root, location), what) for location, what in faults(whole)]
        findings += [Finding(spot.span, "manifest.value", what) for spot, what in found]
    if findings or whole is None:
        raise ManifestError(*source.problems(findings))
    return Marked(whole, source, root)
