"""What admins change while the node runs."""

import pytest
from sqlalchemy import select

from node.actions import node_settings
from node.errors import Invalid, NotAllowed
from node.models import AuditEntry
from node.queries import rules as rules_query
from node.queries import settings


@pytest.fixture
def admin(make):
    return make.member("boss", role="admin")


def test_a_new_node_says_something_sensible(session):
    profile = settings.public(session, "selective")
    assert (profile.name, profile.mode, profile.languages) == ("Courtyard", "selective", ("de", "en"))
    assert settings.get(session, "name") is None
    assert settings.get(session, "name", "x") == "x"


def test_what_is_set_is_said(session, admin, now):
    changed = node_settings.update(
        session, admin, now, name=" The\n House ", description="Hello\r\nyou", accent="#AA00ff", contact="Office@Mail.test",
        rules="Be kind.", languages=["en"],
    )  # fmt: skip
    assert sorted(changed) == ["accent", "contact", "description", "languages", "name", "rules"]
    profile = settings.public(session)
    assert (profile.name, profile.description, profile.accent, profile.contact) == (
        "The House",
        "Hello\nyou",
        "#aa00ff",
        "office@mail.test",
    )
    assert (profile.rules, profile.languages) == ("Be kind.", ("en",))
    assert node_settings.update(session, admin, now, name="The House") == []
    assert [entry.verb for entry in session.scalars(select(AuditEntry))] == ["node.settings"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", " "),
        ("name", "x" * 81),
        ("description", "x" * 2001),
        ("rules", "x" * 20_001),
        ("accent", "red"),
        ("accent", "#12345"),
        ("accent", "#123456;}"),
        ("contact", "nobody"),
        ("languages", []),
        ("languages", ["fr"]),
        ("default_language", "fr"),
        ("default_language", ["de"]),
        ("secret_key", "x"),
    ],
)
def test_a_bad_value_changes_nothing_at_all(session, admin, now, field, value):
    with pytest.raises(Invalid) as refusal:
        node_settings.update(session, admin, now, **{"contact": "office@mail.test", field: value})
    assert refusal.value.field == field
    assert settings.get(session, "contact") is None


def test_a_contact_can_be_taken_away(session, admin, now):
    node_settings.update(session, admin, now, contact="office@mail.test")
    node_settings.update(session, admin, now, contact=" ")
    assert settings.public(session).contact == ""


def test_the_mode_holds_at_once_everywhere(session, make, admin, now):
    node_settings.set_mode(session, "open", admin, now)
    node_settings.set_mode(session, "open", admin, now)
    node_settings.set_mode(session, "closed", admin, now)
    assert make.rules().mode == "closed"
    assert rules_query.version(session) == 2
    assert [(entry.verb, entry.subject) for entry in session.scalars(select(AuditEntry).order_by(AuditEntry.id))] == [
        ("node.mode", "open"), ("node.mode", "closed"),
    ]  # fmt: skip
    with pytest.raises(Invalid):
        node_settings.set_mode(session, "ajar", admin, now)


def test_only_admins_change_anything(session, make, now):
    for role in ("member", "moderator"):
        member = make.member(role, role=role)
        with pytest.raises(NotAllowed):
            node_settings.update(session, member, now, name="Mine")
        with pytest.raises(NotAllowed):
            node_settings.set_mode(session, "open", member, now)
