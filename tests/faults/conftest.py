"""Whatever a test starts ends with it, also when it fails."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from fault_shop import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """Nothing is released yet."""
    assert sys.platform == "linux", "these tests find their processes in /proc"
    shop = Shop(tmp_path / "shop")
    try:
        yield shop
    finally:
        shop.end()


@pytest.fixture
def open_shop(shop: Shop) -> Shop:
    """1.0 is live."""
    shop.release("1.0")
    return shop
