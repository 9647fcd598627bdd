"""Dropscribe on one machine: the same flow on folders and one SQLite file, and the command line."""
