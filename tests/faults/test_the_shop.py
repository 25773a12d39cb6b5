"""The shop itself: what the other tests wait for comes also when they look too late."""

from __future__ import annotations

import pytest
from fault_shop import Shop
from fault_users import Users

pytestmark = [pytest.mark.real, pytest.mark.faults, pytest.mark.xdist_group("faults-the-shop")]


def test_a_share_that_is_over_was_reached(open_shop: Shop) -> None:
    """A background worker may be past it before anybody looks."""
    with Users(open_shop.listen):
        open_shop.release("2.0")
    assert open_shop.share("2.0") == 1_000_000
    open_shop.until_share("2.0", 500_000)
