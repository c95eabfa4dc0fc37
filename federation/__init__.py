"""The ActivityPub protocol as a library: values in, values out.

No Flask, database, queue, clock or environment. Documents are read in `document`, `actors`, `objects`, `activities`
and `collections`; whose they are is decided with `origins`, `addressing` and `signatures`; `client` is the only module
that opens a socket. Everything raised on purpose is a `FederationError`, drawn in `errors`.
"""
