"""The version of Courtyard, in one place: the wheel, NodeInfo and `courtyard --version` read it here."""

VERSION = "0.1.0"
