"""Fault injection: kill, stop and flush the parts of a whole node under load, then count what was lost or doubled.

`stage` is a node with fake hosts around it, `runs` are the faults (R01-R16 of the promises), `__main__` is the command.
"""
