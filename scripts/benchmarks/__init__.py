"""What `scripts/bench` measures: a real node against fake hosts on loopback. Each scenario is a module of its own.

Nothing here is a timed test: figures are printed beside what this machine can do at best, and a person judges.
"""
