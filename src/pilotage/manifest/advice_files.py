"""The files of the adviser: its table, which is shipped, and what people say of their release."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

from pydantic import PlainValidator, create_model

from pilotage.advisor.table import Fact, Table, faults
from pilotage.core.values import Frozen
from pilotage.errors import Place, Problem
from pilotage.manifest.load import decoded, read
from pilotage.manifest.model import ManifestError
from pilotage.manifest.strict import read_strictly
from pilotage.manifest.suggest import did_you_mean
from pilotage.manifest.words import refuse

TABLE = "table.yaml"


def shipped_table() -> Table:
    return load_table_text(files("pilotage.advisor").joinpath(TABLE).read_text(encoding="utf-8"), TABLE)


def load_table_text(text: str, file: str) -> Table:
    """ManifestError with all problems in file order."""
    return read_strictly(text, file, Table, faults)


def load_facts(path: Path, table: Table) -> dict[str, str | int]:
    """What a file says of a release: fact → answer. ManifestError with all problems in file order."""
    if not path.exists():
        mend = "`pilotage advise --save FILE` writes one from your answers"
        problem = Problem(
            code="manifest.missing", what="there is no such file", mend=mend, where=Place(file=str(path))
        )
        raise ManifestError(problem)
    return load_facts_text(decoded(read(path), str(path)), str(path), table)


def load_facts_text(text: str, file: str, table: Table) -> dict[str, str | int]:
    """A file of comments alone is no fault: nothing is known, then."""
    if all(not row.strip() or row.lstrip().startswith("#") for row in text.removeprefix("\ufeff").splitlines()):
        return {}
    fields: dict[str, Any] = {
        name: (Annotated[str | int | None, PlainValidator(_Answer(fact).check)], None)
        for name, fact in table.facts.items()
    }
    model: type[Frozen] = create_model("Facts", __base__=Frozen, **fields)
    given = read_strictly(text, file, model)
    return {name: getattr(given, name) for name in table.facts if name in given.model_fields_set}


class _Answer:
    """One of the choices of a fact; a number, where numbers count."""

    def __init__(self, fact: Fact) -> None:
        self.fact = fact

    def check(self, value: Any) -> str | int:
        known = ", ".join(self.fact.choices)
        if isinstance(value, int) and not isinstance(value, bool) and self.fact.counted:
            if value < 0:
                refuse("range", "{shown} is less than nothing", "write a number from 0 on")
            return value
        if not isinstance(value, str) or value not in self.fact.choices:
            more = ", or a number" if self.fact.counted else ""
            mend = did_you_mean(value, self.fact.choices) or "leave the line out when it is not known"
            refuse("choice", f"{{shown}} is not one of {known}{more}", mend)
        return value


def facts_text(table: Table, answers: Mapping[str, str | int]) -> str:
    """A file that ``load_facts`` reads again as the same answers; what is not known stands in comments."""
    lines = ["# What is known of this release: pilotage advise --facts THIS-FILE", ""]
    for name, fact in table.facts.items():
        choices = " | ".join(fact.choices) + (" | a number" if fact.counted else "")
        value = answers.get(name)
        said = f"# {name}: not known" if value is None else f"{name}: {_written(value)}"
        lines.append(f"{said} # {choices}")
        lines.append(f"#   {fact.asks}")
    return "\n".join(lines) + "\n"


def _written(value: str | int) -> str:
    return value if isinstance(value, str) and value.replace("-", "").isalpha() else json.dumps(value)
