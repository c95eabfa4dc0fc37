"""What the tests of actions share: reading what was queued to leave."""

import json
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from node.models import Activity, Delivery, Lane


@pytest.fixture
def sent(session):
    """Return, in order, what is queued: (kind, inbox, document) of every waiting delivery."""

    def read():
        rows = session.execute(
            select(Activity.kind, Lane.inbox, Activity.document)
            .join(Delivery, Delivery.activity_id == Activity.id)
            .join(Lane, Lane.id == Delivery.lane_id)
            .where(Delivery.state == "waiting")
            .order_by(Delivery.id)
        )
        return [(kind, inbox, json.loads(document)) for kind, inbox, document in rows]

    return read


@pytest.fixture
def ways(make, settings, clock):
    """Return settings, rules and time as actions take them."""

    def gather():
        return {"settings": settings, "rules": make.rules(), "now": clock()}

    return gather


@pytest.fixture
def people(make):
    """Ada and Bo are members; Eve lives on good.test, which is let in, Mal on evil.test, which is not."""
    make.peer("good.test")
    return SimpleNamespace(
        ada=make.member("ada").actor,
        bo=make.member("bo").actor,
        eve=make.remote("eve", "good.test"),
        mal=make.remote("mal", "evil.test"),
    )
