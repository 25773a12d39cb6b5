"""The generated part of docs/manifest.md: every key with its meaning, notation and default, and every code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from enum import Enum
from fractions import Fraction
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

from pilotage.core.flags import Segment
from pilotage.core.notation import parse_amount, parse_fraction, parse_share, show_duration
from pilotage.core.values import EVERYBODY
from pilotage.dossier.file import ReleaseFile
from pilotage.dossier.policy import Policy
from pilotage.manifest import document as d
from pilotage.manifest import judge_blocks as j
from pilotage.manifest.codes import CODES
from pilotage.manifest.fields import bare, is_model
from pilotage.manifest.words import Rate
from pilotage.strategies.approval import Approval
from pilotage.strategies.canary import CanaryStep, Pilots
from pilotage.strategies.group import Who
from pilotage.strategies.method import Method
from pilotage.strategies.parallel_run import CompareBlock, Isolated, SlowerBlock
from pilotage.strategies.phased import Wave
from pilotage.strategies.registry import METHODS

_BLOCKS: tuple[tuple[str, type[BaseModel]], ...] = (
    ("The whole file", d.Document),
    ("artifact", d.ArtifactBlock),
    ("artifact.archive", d.ArchiveBlock),
    ("run", d.RunBlock),
    ("run.health", d.HealthBlock),
    ("checks[]", d.CheckBlock),
    ("versions.VERSION", d.VersionBlock),
    *((f"strategy with method: {name}", method) for name, method in METHODS.items()),
    ("strategy.steps[]", CanaryStep),
    ("strategy.pilots[]", Pilots),
    ("strategy.first[]", Segment),
    ("strategy.who[]", Who),
    ("strategy.waves[]", Wave),
    ("`approve` in a strategy", Approval),
    ("strategy.compare", CompareBlock),
    ("strategy.compare.slower", SlowerBlock),
    ("strategy.isolated", Isolated),
    ("judge", j.JudgeBlock),
    ("judge.errors", j.ErrorsBlock),
    ("judge.latency", j.LatencyBlock),
    ("judge.measures.NAME", j.MeasureBlock),
    ("judge.slos[]", j.SloBlock),
    ("readiness", Policy),
    ("environments.NAME", d.EnvironmentBlock),
    ("environments.NAME.target", d.TargetBlock),
    ("environments.NAME.router", d.RouterBlock),
    ("environments.NAME.router.timeouts", d.TimeoutsBlock),
    ("environments.NAME.telemetry[]", d.TelemetryBlock),
    ("environments.NAME.flags", d.FlagsBlock),
    ("environments.NAME.expect", d.ExpectBlock),
)


def reference() -> str:
    """Markdown."""
    return "\n".join([*_keys(_BLOCKS), "## Codes", "", "| code | means |", "|--|--|", *_codes(), ""])


def release_reference() -> str:
    """Markdown: every key of a release file."""
    return "\n".join(_keys([("The whole file", ReleaseFile), *_parts(ReleaseFile)]))


def _parts(model: type[BaseModel], before: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """The blocks inside, in the order of their keys."""
    for name, field in model.model_fields.items():
        plain = bare(field.annotation)
        many = get_origin(plain) is tuple
        inner = bare(get_args(plain)[0]) if many else plain
        if is_model(inner):
            path = f"{before}{name}{'[]' if many else ''}"
            yield path, inner
            yield from _parts(inner, f"{path}.")


def _keys(blocks: Iterable[tuple[str, type[BaseModel]]]) -> Iterator[str]:
    yield "## Keys"
    yield ""
    for title, model in blocks:
        yield f"### {title if ' ' in title else f'`{title}`'}"
        yield ""
        yield " ".join((model.__doc__ or d.RunPatch.__doc__ or "").split())
        yield ""
        yield "| key | means | written as | default |"
        yield "|--|--|--|--|"
        yield from (_row(name, field) for name, field in model.model_fields.items())
        yield ""


def _codes() -> Iterator[str]:
    yield from (f"| `{code}` | {meaning} |" for code, meaning in CODES.items())


def _row(name: str, field: FieldInfo) -> str:
    default = "**required**" if field.is_required() or _tells_method(name, field) else _default(field)
    description = field.description or ""
    row = f"| `{name}` | {description} | {_notation(field.annotation, field.metadata)} | {default} |"
    return row.replace("|  |", "| |")


def _tells_method(name: str, field: FieldInfo) -> bool:
    """``method`` has a default in each method's own model, but a manifest must say it."""
    return name == "method" and field.default in METHODS


def _notation(annotation: Any, metadata: list[Any]) -> str:
    """What a person writes there."""
    functions = [one.func for one in metadata if isinstance(one, BeforeValidator)]
    if parse_share in functions or parse_fraction in functions:
        return "share: `5%`"
    if any(one in get_args(Rate) for one in metadata):
        return "rate: `100/s`"
    if parse_amount in functions:
        return "share: `5%`, or number"
    if get_origin(annotation) is Annotated:
        inner, *more = get_args(annotation)
        return _notation(inner, more)
    plain = bare(annotation)
    if plain is not annotation:
        return _notation(_annotated(annotation), metadata)
    if get_origin(plain) is Literal:
        return " or ".join(f"`{choice}`" for choice in map(str, get_args(plain)))
    if get_origin(plain) is tuple:
        return f"list of {_plural(_notation(get_args(plain)[0], []))}"
    if get_origin(plain) is dict:
        return "mapping"
    return _named(plain)


def _annotated(annotation: Any) -> Any:
    """The part of an optional type that is not None, with its annotations."""
    return next((part for part in get_args(annotation) if part is not type(None)), annotation)


def _named(plain: Any) -> str:
    if plain is timedelta:
        return "duration: `30s`"
    if isinstance(plain, type) and issubclass(plain, Enum):
        return " or ".join(f"`{choice.value}`" for choice in plain)
    if plain is Fraction:
        return "whole number, or share: `25%`"
    if plain is Approval:
        return "`true`, text, or mapping"
    if plain is Method:
        return "a strategy"
    if plain is CanaryStep:
        return "share: `5%`, or mapping"
    names = {
        str: "text",
        bool: "`true` or `false`",
        int: "whole number",
        float: "number",
        date: 'day: `"2026-12-01"`',
        datetime: 'moment: `"2026-12-01T22:00+01:00"`',
    }
    if plain in names:
        return names[plain]
    return "mapping" if is_model(plain) else "`127.0.0.1:8080`"


def _plural(notation: str) -> str:
    word, colon, example = notation.partition(": ")
    return f"{word}s{colon}{example}"


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    functions = [one.func for one in field.metadata if isinstance(one, BeforeValidator)]
    if parse_fraction in functions or (parse_amount in functions and value is not None):
        return f"`{value * 100:g}%`"
    if parse_share in functions and isinstance(value, int):
        return f"`{100 * value / EVERYBODY:g}%`"
    if isinstance(value, BaseModel) or value in (None, "", (), {}):
        return ""
    return _shown(value)


def _shown(value: object) -> str:
    match value:
        case timedelta():
            return f"`{show_duration(value)}`"
        case bool():
            return f"`{str(value).lower()}`"
        case Enum():
            return f"`{value.value}`"
        case (d.TelemetryBlock(kind=kind),):
            return f"`{kind}`"
        case tuple():  # else steps, of users or of requests, are the only lists with a default
            shares = (step.share if isinstance(step, CanaryStep) else step for step in value)
            return f"`[{', '.join(f'{100 * share / EVERYBODY:g}%' for share in shares)}]`"
        case _:
            return f"`{value}`"
