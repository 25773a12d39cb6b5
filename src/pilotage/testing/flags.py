"""A source of feature flags in memory that passes the same contract suite as the real ones, with knobs."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Mapping
from typing import Any

from pilotage.core.flags import FlagRule, FlagSeen
from pilotage.errors import Problem
from pilotage.flags import flagd
from pilotage.ports import FlagsError, Site


class FakeFlags:
    """Knobs, all of them plain attributes:

    ``definitions``  what it holds, by key, in flagd's words; may be changed as a person would
    ``problems``     what ``check`` answers
    ``stuck``        what is applied is taken but does not come into effect until this is False again
    ``unreachable``  every call raises FlagsError
    ``applied``      everything that was given to ``apply``, in order
    ``changed``      is called whenever another definition has come into effect
    """

    def __init__(self, site: Site | None = None) -> None:
        self.site = site
        self.definitions: dict[str, Any] = {}
        self.problems: list[Problem] = []
        self.stuck = False
        self.unreachable = False
        self.applied: list[FlagRule | FlagSeen] = []
        self.changed: Callable[[], None] = lambda: None
        self._waiting: list[FlagRule | FlagSeen] = []

    @staticmethod
    def check_settings(settings: Mapping[str, Any]) -> list[Problem]:
        known = ("path",)
        return [
            Problem(
                code="flags.unknown-setting",
                what=f"the fake flags have no setting {key!r}",
                mend=f"did you mean {near[0]!r}?" if near else None,
            )
            for key in settings
            if key not in known
            for near in [difflib.get_close_matches(key, known, n=1)]
        ]

    async def check(self, key: str) -> list[Problem]:
        del key
        return list(self.problems)

    async def apply(self, wanted: FlagRule | FlagSeen) -> None:
        self._reach()
        self.applied.append(wanted)
        self._waiting.append(wanted)
        self.settle()

    async def observe(self, key: str) -> FlagSeen:
        self._reach()
        self.settle()
        return flagd.seen(key, self.definitions.get(key))

    def settle(self) -> None:
        """What was taken comes into effect, unless it is stuck."""
        while self._waiting and not self.stuck:
            wanted = self._waiting.pop(0)
            before = self.definitions.get(wanted.key)
            if isinstance(wanted, FlagRule):
                self.definitions[wanted.key] = flagd.compiled(wanted)
            elif not wanted.exists:
                self.definitions.pop(wanted.key, None)
            else:
                self.definitions[wanted.key] = json.loads(wanted.kept)
            if self.definitions.get(wanted.key) != before:
                self.changed()

    def rule(self, key: str) -> FlagRule | None:
        """What is in effect, as a rule; None when there is none, or a stranger's."""
        return flagd.read(key, self.definitions.get(key))

    def _reach(self) -> None:
        if self.unreachable:
            raise FlagsError(Problem(code="flags.no-answer", what="the fake flags are out of reach"))
