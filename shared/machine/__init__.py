"""A process and the machine that it runs on.

regular_files.py  read files that others may exchange
stop_signals.py   signals that ask a process to end
watchdog.py       calls that do not return
"""
