"""What a rate limit counts as one caller."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
from werkzeug.exceptions import TooManyRequests

from node import create_app
from node.config import Settings
from node.database import db
from node.networks import counted_as
from node.web import limits


@pytest.mark.parametrize(
    ("addresses", "counted"),
    [
        (["2001:db8::1", "2001:db8::9:8:7:6", "2001:0db8:0000:0000:ffff::1", "2001:DB8::1%eth0"], "2001:db8::/64"),
        (["2001:db8:1:2::3", "2001:db8:1:2:a:b:c:d"], "2001:db8:1:2::/64"),
        (["192.0.2.7", "::ffff:192.0.2.7", "::ffff:c000:207"], "192.0.2.7"),
        ([None, ""], "unknown"),
    ],
)
def test_every_address_of_one_network_is_one_caller(addresses, counted):
    assert {counted_as(address) for address in addresses} == {counted}


def test_signing_in_is_counted_for_a_whole_network(settings, clock, monkeypatch):
    app = create_app(Settings(**{**settings.__dict__, "rate_limits": True, "redis_url": "memory://"}), clock)
    monkeypatch.setitem(limits.ALLOWED, "sign-in-address", ("2 per 15 minutes",))
    for number in (1, 2, 3):
        with app.test_request_context(environ_base={"REMOTE_ADDR": f"2001:db8::{number}:1:2:3"}):
            refused = pytest.raises(TooManyRequests) if number == 3 else nullcontext()
            with refused:
                limits.count_attempt("sign-in", f"somebody{number}")
    with app.app_context():
        db.engine.dispose()
