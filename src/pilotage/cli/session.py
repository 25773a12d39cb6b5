"""The App, opened for one command and closed after it."""

from __future__ import annotations

import getpass
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from pilotage.cli.options import Common

if TYPE_CHECKING:
    from pilotage.wiring import App


@asynccontextmanager
async def opened(common: Common, *, need_manifest: bool = False) -> AsyncIterator[App]:
    from pilotage import wiring

    app = wiring.open_app(common.file, common.state, need_manifest=need_manifest)
    try:
        yield app
    finally:
        await app.close()


def who() -> str:
    """The person at the keyboard, for the record."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
