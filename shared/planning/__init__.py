"""How a recording is cut, and which workers take its parts. Pure arithmetic.

Read plan.py first, then worker_pools.py.

    plan.py           step 4: the chunks of a recording, with overlap
    worker_pools.py   which workers take the chunks of which engine

The chunk length of an engine is in its spec in `shared/engines.py`.
"""
