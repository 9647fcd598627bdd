"""The worker, the same one for every engine of ours: `python -m gpu_job`.

    __main__.py   the command line
    process.py    the life of the process: its machine, its engines, its end
    pipeline/     from messages to committed results
    speech/       from windows of audio to words
    voices/       from samples to who speaks
    weights/      where the weights are, and how they get here
    cores.py      how many processor cores it may use
    peak_memory.py  the most memory that it has taken
    last_resort.py  its end if Python does nothing any more
    check.py      `--check`: does this machine recognise speech?

Read process.py, then pipeline/worker.py.

It is part of Dropscribe's inside and changes without notice: programs import `dropscribe`.
"""
