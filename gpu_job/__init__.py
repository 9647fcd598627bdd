"""The worker, the same one for every engine of ours: `python -m gpu_job`.

    __main__.py   the command line
    process.py    the life of the process: its machine, its engines, its end
    check.py      `--check`: does this machine recognise speech?
    pipeline/     from messages to committed results
    loading.py    which engine runs some weights here
    voices/       from samples to who speaks
    speech/       from windows of audio to words
    weights/      where the weights are, and how they get here

Read process.py, then pipeline/worker.py. Imports point down this list, and tests/test_architecture.py holds the order.

Beside pipeline/: onnx_export.py, from a `.nemo` file to an ONNX export. Below all: start_up.py, how long it took to
start; cores.py, how many processor cores it may use; peak_memory.py, its peak memory; last_resort.py,
its end if Python does nothing any more.

It is part of Dropscribe's inside and changes without notice: programs import `dropscribe`.
"""
