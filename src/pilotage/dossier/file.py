"""The whole release file, and what is wrong in it that no single key shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pydantic import Field

from pilotage.core.values import Frozen
from pilotage.dossier import people, purpose, terms
from pilotage.dossier.risks import FailureMode, Issue, Recovery, Risk, RiskStatus
from pilotage.dossier.words import Text

Location = tuple[str | int, ...]


class Repository(Frozen):
    """Where the changes of a release can be read: a git repository, and what is in the two versions."""

    path: Text = Field(default=".", description="Its folder, relative to this file.")
    tag: Text = Field(
        default="v{version}",
        description="How a version is tagged; must hold {version}.",
        examples=["v{version}"],
    )


class ReleaseFile(Frozen):
    """What people know of one release."""

    version: Text = Field(description="Of which version it speaks.", examples=["2.4"])
    environments: tuple[Text, ...] = Field(
        default=(), description="For which environments; for every one if not given."
    )
    title: Text | None = Field(default=None, description="What people call the release.")
    summary: Text | None = Field(default=None, description="What it brings, in a few sentences for everybody.")
    owner: Text | None = Field(default=None, description="Who answers for the release as a whole.")
    goals: tuple[Text, ...] = Field(default=(), description="Why it is made.")
    objectives: tuple[purpose.Objective, ...] = Field(default=(), description="What it is to reach.")
    definition_of_done: tuple[purpose.Accepted, ...] = Field(
        default=(), description="What must be so before it goes out."
    )
    non_functional: tuple[purpose.Accepted, ...] = Field(
        default=(), description="Requirements that are no functions: speed, security, accessibility."
    )
    slas: tuple[purpose.Sla, ...] = Field(default=(), description="What was promised to users.")
    work_items: tuple[purpose.WorkItem, ...] = Field(default=(), description="What is in it.")
    criteria: purpose.Criteria = Field(
        default=purpose.Criteria(), description="When it is a success, and when it is taken back."
    )
    stakeholders: tuple[people.Stakeholder, ...] = Field(default=(), description="Who has a stake in it.")
    communication: tuple[people.Message, ...] = Field(default=(), description="Who is told what, and when.")
    training: tuple[people.Training, ...] = Field(default=(), description="Who must learn what.")
    support: people.Support | None = Field(default=None, description="Who stands by.")
    raci: tuple[people.Duty, ...] = Field(default=(), description="Who does what.")
    risks: tuple[Risk, ...] = Field(default=(), description="What may happen.")
    issues: tuple[Issue, ...] = Field(default=(), description="What is wrong already.")
    failure_modes: tuple[FailureMode, ...] = Field(default=(), description="How it is known to fail.")
    recovery: Recovery | None = Field(default=None, description="How data come back.")
    vendors: tuple[terms.Vendor, ...] = Field(default=(), description="What of others it needs.")
    change: terms.Change | None = Field(default=None, description="The change policy that it is under.")
    windows: tuple[terms.Window, ...] = Field(default=(), description="When the cut-over may be done.")
    residency: tuple[terms.Residency, ...] = Field(default=(), description="Where data may be.")
    compliance: tuple[terms.Rule, ...] = Field(default=(), description="Rules that it must keep.")
    interfaces: tuple[terms.Interface, ...] = Field(default=(), description="Old interfaces that are kept.")
    runbook: tuple[terms.Manual, ...] = Field(default=(), description="What people do by hand.")
    repository: Repository | None = Field(default=None, description="Where its changes can be read.")

    def speaks_of(self, environment: str) -> bool:
        return not self.environments or environment in self.environments


def faults(file: ReleaseFile) -> Iterator[tuple[Location, str]]:
    """What does not fit together: where, and what."""
    for name in ("work_items", "risks", "issues", "runbook"):
        yield from _twice(name, [one.id for one in getattr(file, name)])
    audiences = {message.audience for message in file.communication}
    for place, one in enumerate(file.stakeholders):
        if one.audience is not None and one.audience not in audiences:
            what = f"no message of `communication` is for the audience {one.audience}"
            yield ("stakeholders", place, "audience"), what
    for place, risk in enumerate(file.risks):
        if risk.status is RiskStatus.ACCEPTED and risk.accepted_by is None:
            yield ("risks", place, "status"), "an accepted risk says in `accepted_by` who accepted it"
    for name in ("definition_of_done", "non_functional"):
        yield from _unsigned(name, getattr(file, name))
    if file.repository is not None and "{version}" not in file.repository.tag:
        yield ("repository", "tag"), "the tag of a version must hold {version}"


def _twice(name: str, ids: list[str]) -> Iterator[tuple[Location, str]]:
    for place, id in enumerate(ids):
        if id in ids[:place]:
            yield (name, place, "id"), f"there are two {name.replace('_', ' ')} with this id"


def _unsigned(name: str, done: Iterable[purpose.Accepted]) -> Iterator[tuple[Location, str]]:
    for place, one in enumerate(done):
        if one.status is not purpose.Acceptance.OPEN and one.by is None:
            yield (name, place, "status"), f"what is {one.status.value} says in `by` who decided it"
