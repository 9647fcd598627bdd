"""The ports on folders and one SQLite file. `embedded_ports.py` puts them together."""
