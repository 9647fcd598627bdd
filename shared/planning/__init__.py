"""How a recording is cut, and who works on its parts.

    plan.py           the chunks of a recording, with overlap
    worker_pools.py   which workers take the chunks of which engine

Pure arithmetic: nothing here reads or writes.
"""
