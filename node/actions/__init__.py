"""Writes, one verb each. No Flask, no RQ, no network, no commit: the door that calls owns the transaction."""
