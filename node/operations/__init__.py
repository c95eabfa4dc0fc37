"""Running a node: the supervisor and its parts, the embedded Valkey, the web server, logs, the doctor.

Everything the supervisor imports is light on purpose: no Flask, no SQLAlchemy (a test holds that).
"""
