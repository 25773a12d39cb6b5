"""Secret values by reference: the manifest and the plan name a variable or a file, never what is in it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from pilotage.core.values import Frozen
from pilotage.errors import Problem
from pilotage.ports import TelemetryError

MOST_BYTES = 64 * 1024


class Secret(Frozen):
    """Where a secret is: exactly one of ``env`` (a variable, in capitals) and ``file`` (an absolute path)."""

    env: Annotated[str, Field(pattern=r"^[A-Z_][A-Z0-9_]*$")] | None = None
    file: Annotated[str, Field(pattern=r"^/")] | None = None
    before: str = ""
    """What stands before it, where a header wants more than the secret itself: ``Bearer``."""

    @model_validator(mode="after")
    def _one(self) -> Secret:
        if (self.env is None) == (self.file is None):
            raise ValueError("a secret is exactly one of env and file")
        return self

    def read(self) -> str:
        """The secret now: a rotated one is found at the next look. Raises TelemetryError, which names the
        variable or the file and never what is in it."""
        found = self._read()
        if not found or not found.isprintable():
            raise TelemetryError(self._problem("is empty, or more than one line of text"))
        return f"{self.before} {found}" if self.before else found

    def _read(self) -> str:
        if self.env is not None:
            if self.env not in os.environ:
                raise TelemetryError(self._problem("is not set where the worker runs"))
            return os.environ[self.env].strip()
        assert self.file is not None
        try:
            with Path(self.file).open("rb") as file:
                return file.read(MOST_BYTES).decode().strip()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            raise TelemetryError(self._problem(f"can not be read: {why}")) from None

    def _problem(self, what: str) -> Problem:
        name = f"the variable {self.env}" if self.env is not None else f"the file {self.file}"
        return Problem(
            code="telemetry.secret",
            what=f"{name}, where a secret is kept, {what}",
            mend="see that it is there for the user that the worker runs as; it is read at every look",
        )


def read_all(settings: Mapping[str, str | Secret]) -> dict[str, str]:
    """The secret ones of some settings, as they are now."""
    return {name: value.read() for name, value in settings.items() if isinstance(value, Secret)}
