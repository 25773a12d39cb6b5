"""Which keys may stand where: the models, walked by a location."""

from __future__ import annotations

import types
from collections.abc import Sequence
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from pilotage.manifest.document import Document
from pilotage.strategies.method import Method
from pilotage.strategies.registry import METHODS


def known_keys(location: Sequence[str | int], data: Any, whole: type[BaseModel] = Document) -> tuple[str, ...]:
    """The keys of the mapping at that location of ``whole``; none when any key may stand there."""
    wanted: Any = whole
    for step in location:
        data = _into(data, step)
        wanted = _below(wanted, step)
        if wanted is Method:
            method = data if isinstance(data, str) else _into(data, "method")
            wanted = METHODS.get(method) if isinstance(method, str) else None
    return tuple(wanted.model_fields) if is_model(wanted) else ()


def is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def bare(annotation: Any) -> Any:
    """Without Annotated and without the None of an optional field."""
    if get_origin(annotation) is Annotated:
        return bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return bare(next(part for part in get_args(annotation) if part is not type(None)))
    return annotation


def _below(wanted: Any, step: str | int) -> Any:
    if is_model(wanted):
        field = wanted.model_fields.get(step)
        return bare(field.annotation) if field else None
    if get_origin(wanted) is dict:
        return bare(get_args(wanted)[1])
    if get_origin(wanted) is tuple:
        return bare(get_args(wanted)[0])
    return None


def _into(data: Any, step: str | int) -> Any:
    try:
        return data[step]
    except (KeyError, IndexError, TypeError):
        return None
