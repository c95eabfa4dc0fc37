"""The door for servers: inboxes, documents, discovery. Every request here is hostile until its signature is checked.

Read in this order: `inbox` (a POST from its first byte to its 202), `signers` (who signed, and how we know),
`arrivals` (many requests, one commit), `documents` and `collections` (what may be read, by whom), `discovery`.
"""

from flask import Blueprint

blueprint = Blueprint("activitypub", __name__)

from node.activitypub import collections, discovery, documents, inbox, problems  # noqa: E402,F401
