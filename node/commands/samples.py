"""`courtyard seed`: sample content in bulk."""

from __future__ import annotations

import random
import sys
import time

import click

from node.commands.output import Refused, as_json, node_app, show


@click.command()
@click.option("--members", type=click.IntRange(0, 100_000), default=0, help="Members to add.")
@click.option("--posts", type=click.IntRange(0, 10_000_000), default=0, help="Posts to add, by all members and people of peers.")
@click.option("--peers", type=click.IntRange(0, 10_000), default=0, help="Other servers to add, in several states, with people.")
@click.option("--password", help="Sample members sign in with this; without it they cannot sign in.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same content.")
@as_json
@click.pass_context
def seed(context: click.Context, members: int, posts: int, peers: int, password: str | None, seed: int, is_json: bool) -> None:
    """Make lifelike sample content, German and English, for demos and measuring. Nothing of it is sent anywhere."""
    from node.actions import samples
    from node.database import db, transaction, utc_now

    if not members and not posts and not peers:
        raise click.UsageError("say how much: --members N, --posts N, --peers N")
    began, now = time.monotonic(), utc_now()
    chance = random.Random(seed)  # noqa: S311 - samples, not secrets
    with node_app(context) as (_, settings):
        if settings.is_public:
            raise Refused(f"{settings.domain} is a public domain: sample content is for demos and measuring")
        with transaction() as session:
            samples.add_members(session, members, password=password, settings=settings, chance=chance, now=now)
            samples.add_peers(session, peers, settings=settings, chance=chance, now=now)
        with transaction() as session:
            company = samples.connect(session, settings=settings, chance=chance, now=now)
        if posts and samples.count_local(db.session()) == 0:
            raise Refused("nobody is here who could post: add --members")
        for first in range(0, posts, samples.CHUNK):
            number = min(samples.CHUNK, posts - first)
            with transaction(is_durable=False) as session:
                samples.write_posts(session, company, number, first, posts, settings=settings, chance=chance, now=now)
            _progress(first + number, posts, began)
    seconds = round(time.monotonic() - began, 1)
    value = {"members": members, "posts": posts, "peers": peers, "seconds": seconds}
    show(value, is_json=is_json, text=f"{members} members, {peers} peers and {posts} posts in {seconds} s")


def _progress(done: int, total: int, began: float) -> None:
    if sys.stderr.isatty():
        rate = done / max(time.monotonic() - began, 0.001)
        click.echo(f"\r  {done}/{total} posts, {rate:.0f} a second", nl=done >= total, err=True)
