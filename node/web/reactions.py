"""What people do with posts: like, pass on, keep, show first, vote. Each is one button and one form."""

from __future__ import annotations

from flask import abort, flash, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from node.actions import reactions
from node.database import row_id, transaction
from node.errors import Invalid
from node.models import Post
from node.queries import posts
from node.runtime import current_node
from node.visitors import the_member
from node.web.doorstep import safe_path
from node.web.errors import explain
from node.web.reading import post_or_404, viewer
from node.web.surroundings import rules

VERBS = {
    "like": reactions.like, "unlike": reactions.unlike, "boost": reactions.boost, "unboost": reactions.unboost,
    "bookmark": reactions.bookmark, "unbookmark": reactions.unbookmark, "pin": reactions.pin, "unpin": reactions.unpin,
}  # fmt: skip


def react(post_id: int, verb: str) -> BaseResponse:
    """Do `verb` with a post and go back to where it was pressed."""
    node = current_node()
    gate = rules()
    with transaction() as session:
        post = posts.get(session, post_id, viewer())
        if post is None:
            abort(404)
        VERBS[verb](session, the_member().actor, post, settings=node.settings, rules=gate, now=node.now())
    return back_to(post)


def vote(post_id: int) -> BaseResponse:
    """Vote in a poll for the options ticked."""
    node = current_node()
    gate = rules()
    chosen = request.form.getlist("option", type=row_id)
    try:
        with transaction() as session:
            post = posts.get(session, post_id, viewer())
            if post is None:
                abort(404)
            positions = [option.position for option in post.options if option.id in chosen]
            reactions.vote(session, the_member().actor, post, positions, settings=node.settings, rules=gate, now=node.now())
    except Invalid as error:  # nothing was ticked: say so where the poll is
        flash(explain(error), "bad")
        post = post_or_404(post_id)
    return back_to(post)


def back_to(post: Post) -> BaseResponse:
    """Return to the page the button was on, at this post."""
    referrer = request.referrer or ""
    here = referrer.removeprefix(request.host_url.rstrip("/")) if referrer.startswith(request.host_url) else ""
    path = safe_path(here) if here else url_for("web.any_post", post_id=post.id)
    return redirect(f"{path.partition('#')[0]}#post-{post.id}", 303)
