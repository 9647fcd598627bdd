"""What runs every minute, and puts right what was lost or is stuck.

    sweep.py         all parts of a tick, each on its own
    stuck.py         recordings that have stopped go on, or end as FAILED
    observe.py       what the router should know: speeds, queues, failures
    release_held.py  recordings that a budget holds go on when there is room, and alerts go out

A tick may run twice or die half-way: each part does a bounded amount of work that the next tick can repeat.
"""
