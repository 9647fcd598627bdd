"""The process in which untrusted media are decoded, from both sides.

    parent.py   the caller's side: starts the process, answers its reads, enforces time
    child.py    the process: forks for each job, sets limits, never opens a file
    remote.py   the caller as the process sees it: gives bytes, takes samples
    wire.py     the frames that travel between the two

What runs in the process is `shared/audio/probing/` and `shared/audio/decoding/`.
"""
