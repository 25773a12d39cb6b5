"""A judge's settings in a file of their own: the manifest's ``judge`` block by itself, as YAML or JSON.

Read by the manifest's own reader, so that it has the same words, the same strictness and the same carets.
``alpha`` and ``beta``, the names in the literature, may stand for ``false_rollback`` and ``false_pass``; their
values may be bare fractions (0.01).
"""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

from pydantic import Field, ValidationError

from pilotage.core.judging import JudgeSettings
from pilotage.core.values import Frozen
from pilotage.errors import Place, Problem
from pilotage.manifest.compose import Unreadable, compose
from pilotage.manifest.data import Reading
from pilotage.manifest.explain import explain
from pilotage.manifest.judge_blocks import JudgeBlock
from pilotage.manifest.load import check_characters, decoded, read
from pilotage.manifest.model import ManifestError, judge_settings
from pilotage.manifest.nodes import Entries, Node, Scalar
from pilotage.manifest.rules import broken_rules
from pilotage.manifest.secrets import mark_secrets
from pilotage.manifest.source import Source

ALIASES = {"alpha": "false_rollback", "beta": "false_pass"}
_FRACTION = re.compile(r"0?\.\d+(?:[eE][-+]\d+)?|\d+(?:\.\d*)?[eE]-\d+")


class _Whole(Frozen):
    """The file, as if it stood in a manifest."""

    judge: JudgeBlock = Field(default=JudgeBlock())


def load_judge(path: Path) -> JudgeSettings:
    """ManifestError with all problems in file order."""
    if not path.exists():
        mend = "name a file with the keys of a manifest's `judge`; without one the defaults hold"
        raise _refused(str(path), "missing", "there is no such file", mend)
    return load_judge_text(decoded(read(path), str(path)), str(path))


def load_judge_text(text: str, file: str) -> JudgeSettings:
    """As ``load_judge``, of a text; ``file`` is what it is called in places."""
    text = text.removeprefix("\ufeff")
    if not text.strip():
        mend = "leave --settings out for the defaults"
        raise _refused(file, "empty", "there are no settings in this file", mend)
    if text.lstrip().startswith("{"):
        text = text.replace("\t", " ")  # JSON may be indented with tabs; no text in it can hold one
    source = Source(text, file)
    try:
        check_characters(source)
        root, findings = compose(source)
    except Unreadable as error:
        raise ManifestError(source.problem(error.finding)) from None
    mark_secrets(root)
    source.cover_secrets(root)
    reading = Reading(_in_manifest(root))
    broken_rules(reading)
    whole = None
    try:
        whole = _Whole.model_validate(reading.data)
    except ValidationError as error:
        explain(error, reading)
    problems = source.problems(findings + reading.findings)
    if problems or whole is None:
        raise ManifestError(*problems)
    return judge_settings(whole.judge)


def _in_manifest(root: Node) -> Entries:
    """``{judge: root}``; the file may have that key itself."""
    if isinstance(root, Entries) and [key.text for key, _ in root.entries] == ["judge"]:
        (_, root) = root.entries[0]
    whole = Entries(root.span)
    whole.add(Scalar("judge", quoted=False, span=root.span), _without_aliases(root))
    return whole


def _without_aliases(block: Node) -> Node:
    if not isinstance(block, Entries):
        return block
    plain = Entries(block.span)
    for key, value in block.entries:
        if key.text in ALIASES:
            key.text = ALIASES[key.text]
            if isinstance(value, Scalar) and not value.quoted and _FRACTION.fullmatch(value.text):
                value.text = f"{Decimal(value.text) * 100:f}%"
        plain.add(key, value)
    return plain


def _refused(file: str, code: str, what: str, mend: str) -> ManifestError:
    return ManifestError(Problem(code=f"manifest.{code}", what=what, mend=mend, where=Place(file=file)))
