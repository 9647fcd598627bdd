"""The commands of `dropscribe`, one file each, and what they share.

    context.py, options.py   the ports and options of a command      terminal.py, screen.py   what it prints

`local/cli.py` declares their options.
"""
