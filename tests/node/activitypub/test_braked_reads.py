"""While a brake is on, a server that is let in reads what anybody may, and is told to come back for the rest."""

from __future__ import annotations

import pytest

from node.actions import brakes
from node.policy import Audience
from tests.node.activitypub.test_disclosing import door, get, path_of, world

__all__ = ["door", "get", "world"]


@pytest.mark.parametrize(("scope", "subject"), [("node", ""), ("actor", "ada"), ("peer", "good.test")])
def test_the_rest_is_503_with_a_time_and_comes_back_when_released(world, get, make, session, scope, subject) -> None:
    followers, public = path_of(world.posts[Audience.FOLLOWERS]), path_of(world.posts[Audience.PUBLIC])
    assert get(followers, world.eve).status_code == 200
    session.rollback()
    brakes.pull(session, scope, subject, by=None, now=make.clock())
    make.commit()
    held, missing = get(followers, world.eve), get("/users/ada/posts/1", world.eve)
    assert (held.status_code, held.json["code"], held.headers["Retry-After"]) == (503, "brake_is_on", "300")
    assert (missing.status_code, missing.data) == (held.status_code, held.data)  # nobody learns what there is
    assert get(public, world.eve).status_code == 200
    assert get(public).status_code == 200
    assert get(followers).status_code == 404
    session.rollback()
    brakes.release(session, scope, subject, by=None, now=make.clock())
    make.commit()
    assert get(followers, world.eve).status_code == 200


def test_a_brake_for_another_server_changes_nothing(world, get, make, session) -> None:
    session.rollback()
    brakes.pull(session, "peer", "other.test", by=None, now=make.clock())
    make.commit()
    assert get(path_of(world.posts[Audience.FOLLOWERS]), world.eve).status_code == 200
    assert get("/users/ada/posts/1", world.eve).status_code == 404
    assert get(path_of(world.posts[Audience.FOLLOWERS]), world.mal).status_code == 404
