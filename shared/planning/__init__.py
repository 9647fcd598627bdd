"""How a recording is cut, and who works on its parts. Pure arithmetic.

    plan.py           step 4: the chunks of a recording, with overlap
    worker_pools.py   which workers take the chunks of which engine

How long a chunk suits an engine stands in its spec in `shared/engines.py`.
"""
