"""The door for RQ workers. The database is the queue; a job is a bell that was heard: each drains many due rows.

`bells` rings, `work` holds the functions RQ calls, `delivery` sends, `receiving` and `fetching` take in, `worker` and
`scheduler` are processes, `housekeeping` sweeps.
"""
