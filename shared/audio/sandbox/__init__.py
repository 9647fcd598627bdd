"""The process in which untrusted recordings are probed and decoded, from both sides.

    wire.py      the frames that travel between the two
    parent.py    the caller's side: one job at a time, and what becomes of the process
    dialogue.py  … one job: answers its reads, collects its samples, enforces time
    checks.py    … what is accepted from a job
    process.py   … starts and ends the process
    job_end.py   … a result, or why there is none
    child.py     the process: confines itself, forks for each job
    warm_up.py   … loads everything before
    confine.py   … what a fork gives up
    linux.py     … by Linux's own means
    seccomp.py   … the system calls that are left
    job.py       … does the work, and says how it went
    remote.py    … its end of the socket: asks for bytes, sends samples

The work itself is in `shared/audio/probing/` and `shared/audio/decoding/`.
"""
