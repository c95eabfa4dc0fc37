"""The door for members, and for whoever may look in from the street. Every page and button is a line of ROUTES.

The third column says who is let in: MEMBER (others are asked to sign in), STREET (anybody, unless the node is closed) or
DOORSTEP (always anybody: the way in itself). State changes only by POST, with a CSRF token and from our own pages.
"""

from __future__ import annotations

from flask import Blueprint, Flask

from node import translations, visitors
from node.web import (
    account,
    doorstep,
    errors,
    finding,
    people,
    places,
    posts,
    presenting,
    public,
    reactions,
    relations,
    searching,
    settings,
    surroundings,
    timelines,
    wording,
    writing,
)
from node.web.guards import DOORSTEP, MEMBER, STREET, guard, no_nul, same_origin_only

ROUTES = (
    ("GET", "/", STREET, "home", timelines.home),
    ("GET", "/inside", MEMBER, "inside", timelines.inside),
    ("GET", "/explore", STREET, "explore", timelines.explore),
    ("GET", "/messages", MEMBER, "messages", timelines.messages),
    ("GET", "/bookmarks", MEMBER, "bookmarks", timelines.bookmarks),
    ("GET", "/tags/<name>", STREET, "tag", timelines.tag),
    ("GET", "/notifications", MEMBER, "notifications", timelines.notices),
    ("POST", "/notifications/read", MEMBER, "notices_read", timelines.mark_read),
    ("GET", "/spaces", MEMBER, "spaces", places.spaces),
    ("POST", "/spaces", MEMBER, "create_space", places.create),
    ("GET", "/spaces/<name>", MEMBER, "space", places.space),
    ("POST", "/spaces/<name>/<any(join, leave):verb>", MEMBER, "enter_space", places.enter),
    ("GET", "/write", MEMBER, "write", writing.form),
    ("POST", "/write", MEMBER, "write", writing.publish),
    ("POST", "/write/preview", MEMBER, "preview", writing.preview),
    ("GET", "/users/<name>/posts/<int:post_id>", STREET, "post", posts.post),
    ("GET", "/posts/<int:post_id>", MEMBER, "any_post", posts.any_post),
    ("GET", "/posts/<int:post_id>/history", STREET, "history", posts.history),
    ("GET", "/posts/<int:post_id>/deliveries", MEMBER, "deliveries", posts.deliveries),
    ("POST", "/posts/<int:post_id>/deliveries/<int:delivery_id>/resend", MEMBER, "resend", posts.resend),
    ("GET", "/posts/<int:post_id>/edit", MEMBER, "edit", writing.edit_form),
    ("POST", "/posts/<int:post_id>/edit", MEMBER, "edit", writing.edit),
    ("GET", "/posts/<int:post_id>/delete", MEMBER, "delete", writing.delete_form),
    ("POST", "/posts/<int:post_id>/delete", MEMBER, "delete", writing.delete),
    ("POST", "/posts/<int:post_id>/vote", MEMBER, "vote", reactions.vote),
    ("POST", f"/posts/<int:post_id>/<any({', '.join(reactions.VERBS)}):verb>", MEMBER, "react", reactions.react),
    ("GET", "/users/<name>", STREET, "profile", people.profile),
    ("GET", "/people/@<handle>", MEMBER, "remote_profile", people.remote_profile),
    ("GET", "/users/<name>/followers", MEMBER, "followers", people.followers),
    ("GET", "/users/<name>/following", MEMBER, "following", people.following),
    ("GET", "/users/<name>/follow", STREET, "remote_follow", public.remote_follow_form),
    ("POST", "/users/<name>/follow", STREET, "remote_follow", public.remote_follow),
    ("GET", "/users/<name>/feed.atom", STREET, "feed", public.feed),
    ("GET", "/people/<int:actor_id>/block", MEMBER, "block", relations.block_form),
    ("POST", f"/people/<int:actor_id>/<any({', '.join(relations.VERBS)}):verb>", MEMBER, "relate", relations.relate),
    ("GET", "/requests", MEMBER, "requests", relations.requests),
    ("POST", "/requests/<int:actor_id>/<any(accept, reject):verb>", MEMBER, "answer_request", relations.answer),
    ("GET", "/search", MEMBER, "search", searching.search),
    ("POST", "/search", MEMBER, "look_up", searching.look_up),
    ("GET", "/follow", MEMBER, "follow_from_here", searching.follow_from_here),
    ("GET", "/authorize_interaction", MEMBER, "authorize_interaction", searching.follow_from_here),  # what others guess
    ("GET", "/settings", MEMBER, "settings", settings.show),
    ("GET", f"/settings/<any({', '.join(settings.PARTS)}):part>", MEMBER, "settings", settings.show),
    ("POST", f"/settings/<any({', '.join(settings.PARTS)}):part>", MEMBER, "settings", settings.save),
    ("POST", "/settings/sessions/<int:session_id>/end", MEMBER, "end_session", account.end_session),
    ("POST", "/settings/sessions/end-others", MEMBER, "end_other_sessions", account.end_other_sessions),
    ("POST", "/settings/apps/<int:app_id>/end", MEMBER, "end_app", account.end_app),
    ("GET", "/sign-in", DOORSTEP, "sign_in", doorstep.sign_in_form),
    ("POST", "/sign-in", DOORSTEP, "sign_in", doorstep.sign_in),
    ("POST", "/sign-out", DOORSTEP, "sign_out", doorstep.sign_out),
    ("GET", "/invitations/<token>", DOORSTEP, "invitation", doorstep.invitation_form),
    ("POST", "/invitations/<token>", DOORSTEP, "invitation", doorstep.accept_invitation),
    ("POST", "/language", DOORSTEP, "language", doorstep.choose_language),
    ("GET", "/about", STREET, "about", public.about),
    ("GET", "/robots.txt", STREET, "robots", finding.robots),
    ("GET", "/accent/<colour>.css", DOORSTEP, "accent", public.accent),
)

blueprint = Blueprint("web", __name__)
errors.init_blueprint(blueprint)

_seen: set[str] = set()
for _method, _rule, _who, _name, _view in ROUTES:
    # The button of a page has the page's address; its endpoint is told apart so that url_for needs no method.
    _endpoint = f"{_name}_post" if _method == "POST" and _name in _seen else _name
    _seen.add(_name)
    blueprint.add_url_rule(_rule, endpoint=_endpoint, view_func=guard(_who, _view), methods=[_method])


def init_app(app: Flask) -> None:
    """Give every page of every door its words, surroundings and errors."""
    translations.init_app(app, visitors.language)
    presenting.init_app(app)
    wording.init_app(app)
    surroundings.init_app(app)
    errors.init_app(app)
    app.before_request(no_nul)
    app.before_request(same_origin_only)
