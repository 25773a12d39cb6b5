"""Whatever a test starts ends with it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from envoy_stage import Stage


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Two releases with one instance each; nothing is applied yet."""
    stage = Stage(tmp_path / "site")
    try:
        stage.release("old-1")
        stage.release("new-1")
        yield stage
    finally:
        asyncio.run(stage.close())
