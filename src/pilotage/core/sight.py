"""What the judge looks at: everybody's split, or, while only groups see the new version, the last of them.

People of a group were chosen, so nobody else's requests are a fair comparison for theirs. While a group has the
new version as a whole, that is held to the error limit alone. Where only some of a group have it, drawn by the
router, those are compared with the others of the same group; that needs figures of the group alone, which only
the router has.
"""

from __future__ import annotations

from pilotage.core.plan import ROUTER, Plan
from pilotage.core.steps import Expose
from pilotage.core.values import EVERYBODY, Frozen


class Sight(Frozen):
    group: str = ""
    """Empty: everybody's split, without those who have a group."""
    share: int = 0
    """The new version's share of them, in parts per million."""
    compared: bool = True
    """With the old version's part of the same people; False: the new version is alone among them."""


def sight(plan: Plan, expose: Expose) -> Sight:
    """What the judge looks at while this is what users see."""
    new = plan.new.id
    share, groups = expose.share(new), expose.groups(new)
    if share or not groups:
        return Sight(share=share, compared=0 < share < EVERYBODY)
    group = list(groups)[-1]
    paired = groups[group] < EVERYBODY and all(one.kind == ROUTER for one in plan.telemetry)
    return Sight(group=group, share=groups[group], compared=paired)
