"""What runs every minute and repairs what was lost or is stuck.

Read sweep.py first, then stuck.py.

    sweep.py         all parts of a tick, independent of each other
    stuck.py         recordings without progress are pushed, or end as FAILED
    observe.py       conditions for the router: speeds, queues, failures
    unfinished.py    hand-overs without a message, and complete sets that are not merged
    release_held.py  recordings that a budget holds go on once they fit, and alerts are published
    clock_steps.py   on one machine: when its clock was set, and how old something is all the same
    retention.py     deleted recordings are erased for the last time, and old ones deleted
    measured.py      the state of the deployment, for its dashboard and alerts
    each.py          a bounded number in one tick, in turn; one bad item does not stop the others

A tick may run twice or die half-way: each part does a bounded amount of work that the next tick can repeat.
"""
