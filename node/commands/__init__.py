"""The commands of `courtyard`, by subject. A door: they open transactions and print, actions and queries do the work."""
