"""The flow of one recording, one step a file. Read them in this order.

    upload.py      1  an object appeared: who is first records it; then steps 2 to 4
    probe.py       2  learn length, codec and channels from a bounded number of bytes
    route.py       3  choose who transcribes, with the reason in words (the rules: shared/routing/)
    plan.py        4  cut the recording into chunks; the plan is frozen
    chunk.py       5  one chunk: fetch and decode it, keep its result, say so (hosted.py: an engine of others; room.py)
    merge.py       6  join the words of all chunks into one sequence (seam.py: one overlap; speakers.py)
    record.py      7  the last chunk is in: write the outputs, record the cost, announce it (doers.py; shared/costs/)

Beside the steps:

    request.py   another service asks: step 1 for the object it names (answers.py: what it is told)
    dispatch.py  publish the chunks of a plan (capacity.py: start workers for them)
    fallback.py  an engine gave a chunk up: the next one gets it (claims.py: whose it is; alone.py: which
                 ends workers; reasons.py: what its owner is told)
    give_up.py   a message failed too often: its recording ends with a reason (failures.py: every attempt's)
    sweep.py     every minute: what was lost or is stuck goes on, or ends (stuck.py)

Steps 1 to 4 run in the router, 5 in the worker, 6 and 7 in the merger. Between them travel the
messages of `shared/messages.py`. Every step may run twice or die half-way: firsts are decided by
`create()`, nothing is counted up, and a message is acknowledged only after its effects are durable.
Nothing in this package imports a cloud client, an engine or a framework; `shared/ports.py` is its
only way out.
"""
