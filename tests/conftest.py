"""For all tests: no property test fails because the machine is busy; one server of a database for all."""

from __future__ import annotations

import sys
from pathlib import Path

from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))

from databases import databases

__all__ = ["databases"]

settings.register_profile("steady", deadline=None)
settings.load_profile("steady")
