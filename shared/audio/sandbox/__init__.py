"""The process in which untrusted recordings are probed and decoded, from both sides.

    wire.py     the frames that travel between the two
    parent.py   the caller's side: starts the process, answers its reads, enforces time
    child.py    the process: forks for each job and restricts the fork, which opens no file
    remote.py   its end of the socket: asks for bytes, sends samples

The work itself is in `shared/audio/probing/` and `shared/audio/decoding/`.
"""
