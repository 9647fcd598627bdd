"""The process in which untrusted recordings are probed and decoded, from both sides.

    wire.py     the frames that travel between the two
    parent.py   the caller's side: sends jobs, answers their reads, enforces time
    process.py  … starts and ends the process
    job_end.py  … a result, or why there is none
    child.py    the process: forks for each job and lowers the limits of the fork
    remote.py   … its end of the socket: asks for bytes, sends samples

The work itself is in `shared/audio/probing/` and `shared/audio/decoding/`.
"""
