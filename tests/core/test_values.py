"""The small things every other value is made of."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playbook import NEW

from pilotage.core.notation import parse_duration, parse_share, show_duration
from pilotage.core.routing import Address, Backend, Routing, Split
from pilotage.core.values import percent


@given(st.integers(0, 10**9))
def test_a_shown_duration_parses_back(milliseconds):
    value = timedelta(milliseconds=milliseconds)
    assert parse_duration(show_duration(value)) == value


@given(st.integers(0, 1_000_000))
def test_a_shown_share_parses_back(share):
    assert parse_share(percent(share)) == share


@pytest.mark.parametrize("text", [30, "30", "5 minutes", "-1s", "", True, None, "1h 30", "s"])
def test_a_duration_without_a_unit_is_refused(text):
    with pytest.raises(ValueError, match=r"duration"):
        parse_duration(text)


@pytest.mark.parametrize("text", [5, "5", "101%", "0.00001%", "%", None, "-1%"])
def test_a_share_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match=r"share|0%|finer"):
        parse_share(text)


def test_a_changed_copy_has_a_digest_of_its_own():
    address = Address(host="127.0.0.1", port=80)
    routing = Routing(
        listen=address, backends=(Backend(release="a"),), splits=(Split(release="a", share=10**6),)
    )
    before = routing.revision
    assert routing.model_copy(update={"listen": Address(host="127.0.0.1", port=81)}).revision != before
    assert NEW.model_copy(update={"version": "3.0"}).id != NEW.id


def test_shares_that_do_not_sum_are_refused():
    with pytest.raises(ValueError, match="sum"):
        Routing(
            listen=Address(host="::1", port=80),
            backends=(Backend(release="a"),),
            splits=(Split(release="a", share=999_999),),
        )
