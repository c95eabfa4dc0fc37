"""How rows look to Mastodon's clients: the one place where a post is a "status" and an actor an "account".

Nothing here decides who may see what: it is handed posts that came from a query with `audience.visible`.
Shapes: docs.joinmastodon.org/entities.
"""
