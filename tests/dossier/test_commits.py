"""Commits by Conventional Commits 1.0.0: its own examples, and what keeps to no rule."""

from __future__ import annotations

import pytest

from pilotage.dossier.commits import Commit, commit_of


@pytest.mark.parametrize(
    ("subject", "body", "kind", "scope", "text", "breaks"),
    [
        ("feat: allow provided config object", "", "feat", "", "allow provided config object", ""),
        ("feat!: send an email", "", "feat", "", "send an email", "send an email"),
        ("feat(api)!: send an email", "", "feat", "api", "send an email", "send an email"),
        ("chore!: drop support", "BREAKING CHANGE: use features", "chore", "", "drop support", "use features"),
        ("fix: x", "A text.\n\nBREAKING-CHANGE: keys move\nReviewed-by: Z", "fix", "", "x", "keys move"),
        ("FIX(ui): y", "", "fix", "ui", "y", ""),
        ("Mend the footer", "", "other", "", "Mend the footer", ""),
        ("fix:no blank", "", "other", "", "fix:no blank", ""),
        ("Merge: odd (but true)", "", "merge", "", "odd (but true)", ""),
    ],
)
def test_it_is_read(subject: str, body: str, kind: str, scope: str, text: str, breaks: str) -> None:
    assert commit_of("a1", subject, body) == Commit(id="a1", kind=kind, scope=scope, text=text, breaks=breaks)
