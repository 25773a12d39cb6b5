"""The examples of the pages about sources of telemetry, as they stand there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

DOCS = Path(__file__).parents[3] / "docs" / "telemetry"


def example(page: str, number: int = 0) -> dict[str, Any]:
    """The settings of a page's example, without their kind."""
    blocks = re.findall(r"```yaml\n(telemetry:\n.*?)```", (DOCS / page).read_text(), re.DOTALL)
    settings: dict[str, Any] = yaml.safe_load(blocks[number])["telemetry"]
    assert settings.pop("kind") == page.removesuffix(".md")
    return settings
