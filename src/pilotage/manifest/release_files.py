"""The release file: found beside the manifest, read as strictly; and the starter of `documents init`."""

from __future__ import annotations

from pathlib import Path

from pilotage.dossier.file import ReleaseFile, faults
from pilotage.errors import Place, Problem
from pilotage.manifest.load import decoded, read
from pilotage.manifest.model import ManifestError
from pilotage.manifest.strict import Marked, read_marked

RELEASE_FILE = "release.yaml"

Release = Marked[ReleaseFile]


def load_release(path: Path) -> Release:
    """ManifestError with all problems in file order."""
    if not path.exists():
        mend = "`pilotage documents init` writes one to start from"
        where = Place(file=str(path))
        raise ManifestError(
            Problem(code="manifest.missing", what="there is no such file", mend=mend, where=where)
        )
    return load_release_text(decoded(read(path), str(path)), str(path))


def load_release_text(text: str, file: str) -> Release:
    return read_marked(text, file, ReleaseFile, faults)


def release_beside(folder: Path) -> Release | None:
    """Of the file in that folder; None when there is none. ManifestError when it has problems."""
    path = folder / RELEASE_FILE
    return load_release(path) if path.exists() else None


def release_starter(version: str, title: str) -> str:
    """A commented release file. It loads as it is, and says nothing that nobody said."""
    return _STARTER.format(version=version, title=title)


_STARTER = """\
# What people know of this release, for its documents and its readiness: docs/release-file.md has every key.
# Days and moments stand in quotes. No secrets: say where they are, not what they are.
version: "{version}"
# environments: [production] # the others are not asked whether they are ready
# title: {title}
# summary: What it brings, in a few sentences for everybody.
# owner: Who answers for the release

# goals:
#   - Why it is made
# objectives:
#   - {{what: What it is to reach, measure: How one measures it, target: How much, owner: Who}}
# definition_of_done:
#   - {{what: All journeys pass on staging, status: accepted, by: Who, evidence: Where}}
# non_functional:
#   - {{what: The front page answers in 300 ms, status: open, owner: Who, due: "2026-12-01"}}
# slas:
#   - {{name: availability, target: 99.9 % a month, customer: To whom}}
# work_items:
#   - {{id: SHOP-118, title: What it is for users, kind: feature, status: accepted}}
# criteria: # beyond what the judge measures
#   success: [What must be so at the end]
#   rollback: [What makes people take it back]

# stakeholders:
#   - {{name: Who, role: product owner, signs_off: true, signed_off: "2026-12-01"}}
# communication:
#   - {{audience: customers, when: before, channel: status page, owner: Who, due: "2026-12-01"}}
#   - {{audience: customers, when: rollback, channel: status page, owner: Who}}
# training:
#   - {{audience: support, what: What they must know, owner: Who, due: "2026-12-01"}}
# support:
#   owner: Who sees to it
#   at_least: 1
#   rota:
#     - {{who: Who, start: "2026-12-01T20:00+01:00", end: "2026-12-02T08:00+01:00", contact: How}}
# raci:
#   - {{activity: Cut-over, responsible: [Who], accountable: Who, consulted: [Who], informed: [Who]}}

# risks:
#   - {{id: R1, what: What may happen, likelihood: 2, impact: 4, response: reduce, action: How, owner: Who}}
# issues:
#   - {{id: I1, what: What is wrong already, severity: medium, owner: Who}}
# failure_modes:
#   - {{mode: How it fails, effect: What one sees, mitigation: How, severity: 7, occurrence: 2, detection: 3}}
# recovery:
#   owner: Who can do it
#   procedure: [Step by step]
#   restore_point: {{at: "2026-12-01T18:00+01:00", where: Where it lies, fresh_for: 24h}}
#   rehearsed: "2026-11-20"

# vendors:
#   - {{name: Whose, product: What, kind: licence, valid_until: "2027-06-30", owner: Who}}
# change: {{kind: normal, policy: What is asked of such a change, owner: Who}}
# windows:
#   - {{name: first night, start: "2026-12-01T22:00+01:00", end: "2026-12-02T02:00+01:00"}}
# residency:
#   - {{data: orders, allowed: [eu], kept_in: [eu], owner: Who, confirmed: "2026-12-01"}}
# compliance:
#   - {{rule: Which, how: How it is kept, status: open, owner: Who}}
# interfaces:
#   - {{name: Which old one, keep_until: "2027-03-31", owner: Who}}
# runbook:
#   - {{id: freeze-content, when: before, what: What is done by hand, owner: Who}}
# repository: {{path: ., tag: "v{{version}}"}} # where the changes are read for the release notes
"""
