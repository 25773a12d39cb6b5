"""A person's yes within a plan: who is asked, what for; a pause that somebody lifts."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pilotage.core.shorthand import One, YesOrShort
from pilotage.core.steps import Pause, Step
from pilotage.core.values import Frozen

Person = Annotated[str, Field(min_length=1, max_length=100)]


class Approval(Frozen):
    """A person says yes (`pilotage promote --reason …`), or the rollout waits. Who did is recorded."""

    ask: Annotated[tuple[Person, ...], One()] = Field(
        default=(), description="Who is asked: names or roles, as you call them; without it, anybody."
    )
    why: str = Field(
        default="", max_length=200, description="What they are asked for, like `sign-off of the pilot`."
    )


Approve = Annotated[Approval | None, YesOrShort("ask")]
"""``true``, a name, or the mapping."""


def asked(approve: Approval | None, why: str) -> list[Step]:
    """The pause, if there is one; ``why`` stands where the manifest gives none."""
    return [] if approve is None else [Pause(ask=approve.ask, why=approve.why or why)]
