"""All documents of a release: which there are, which plan they belong to, what is missing, what is void."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import ClassVar

from pilotage.core.values import Frozen
from pilotage.views.documents.communication import communication
from pilotage.views.documents.html import page
from pilotage.views.documents.markdown import MADE
from pilotage.views.documents.model import Document
from pilotage.views.documents.monitoring import monitoring
from pilotage.views.documents.notes import notes
from pilotage.views.documents.risks import risks
from pilotage.views.documents.rollout import rollout
from pilotage.views.documents.runbook import runbook
from pilotage.views.documents.strategy import strategy
from pilotage.views.documents.support import support

from pilotage.views.documents.case import Case  # isort: skip

WRITERS = (strategy, rollout, monitoring, runbook, notes, communication, support, risks)
NAME = "index.json"


class Void(Frozen):
    """Documents that were made of another plan: what was given away of them holds no more."""

    plan: str
    version: str


class Index(Frozen):
    """Kept beside the documents."""

    HEAD: ClassVar[str] = "pilotage_documents"

    pilotage_documents: int = 1
    service: str
    environment: str
    version: str
    plan: str
    files: dict[str, str]
    """Name → sha256 of what was written."""
    void: tuple[Void, ...] = ()
    """The latest first."""


def documents(case: Case) -> tuple[Document, ...]:
    return tuple(writer(case) for writer in WRITERS)


def next_void(before: Index | None, plan: str) -> tuple[Void, ...]:
    """What is void once documents of this plan take the place of those before."""
    if before is None:
        return ()
    gone = () if before.plan == plan else (Void(plan=before.plan, version=before.version),)
    return tuple(one for one in (*gone, *before.void) if one.plan != plan)


def missing(made: Sequence[Document]) -> tuple[str, ...]:
    """Everything that nobody has given, once."""
    return tuple(dict.fromkeys(one for document in made for one in document.missing))


def as_markdown(made: Sequence[Document], index: Index) -> str:
    first = made[0]
    rows = [f"- {document.title}: {_links(document.name, index)}" for document in made]
    if "rollout.ics" in index.files:
        rows.append("- [Calendar](rollout.ics)")
    parts = [f"# Documents of {first.about}", MADE, f"Plan `{index.plan}`", "\n".join(rows)]
    lacking = missing(made)
    if lacking:
        parts += ["## What is missing", "\n".join(f"- {one}" for one in lacking)]
    if index.void:
        parts += ["## Void", _VOID, "\n".join(f"- `{one.plan}` ({one.version})" for one in index.void)]
    return "\n\n".join(parts) + "\n"


_VOID = "Documents that state one of these plans are void: the plan has changed since they were made."


def _links(name: str, index: Index) -> str:
    kinds = [kind for kind in ("html", "pdf", "md") if f"{name}.{kind}" in index.files]
    return ", ".join(f"[{kind}]({name}.{kind})" for kind in kinds)


def as_html(made: Sequence[Document], index: Index) -> str:
    rows = []
    for document in made:
        kinds = [kind for kind in ("html", "pdf", "md") if f"{document.name}.{kind}" in index.files]
        links = " · ".join(f'<a href="{document.name}.{kind}">{kind}</a>' for kind in kinds)
        lacks = f"{len(document.missing)} missing" if document.missing else ""
        rows.append(f"<tr><td>{escape(document.title)}</td><td>{links}</td><td>{lacks}</td></tr>")
    if "rollout.ics" in index.files:
        rows.append('<tr><td>Calendar</td><td><a href="rollout.ics">ics</a></td><td></td></tr>')
    first = made[0]
    body = [
        f'<header><h1>Documents of the release</h1><p class="about">{escape(first.about)}</p>',
        f'<p class="made">{escape(MADE)}</p></header><p>Plan <code>{escape(index.plan)}</code></p>',
        f"<table><tbody>{''.join(rows)}</tbody></table>",
    ]
    lacking = missing(made)
    if lacking:
        items = "".join(f"<li>{escape(one)}</li>" for one in lacking)
        body.append(f"<h2>What is missing</h2><ul>{items}</ul>")
    if index.void:
        gone = "".join(
            f'<li class="void"><code>{escape(one.plan)}</code> ({escape(one.version)})</li>'
            for one in index.void
        )
        body.append(f"<h2>Void</h2><p>{_VOID}</p><ul>{gone}</ul>")
    return page(f"Documents of {first.about}", "\n".join(body))
