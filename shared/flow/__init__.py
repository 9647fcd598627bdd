"""The flow of one recording, one step a file. Read them in this order.

    upload.py      1  an object appeared: who is first records it; then steps 2 to 4 (request.py: a service asks)
    probe.py       2  learn length, codec and channels from a bounded number of bytes
                   3  choose who transcribes, with the reason in words: shared/routing/
                   4  cut the recording into chunks; the plan is frozen: shared/planning/
    dispatch.py       publish the chunks of the plan (capacity.py: start workers for them)
    chunk.py       5  one chunk: fetch and decode it, commit its result, say so
    merge.py       6  join the words of all chunks into one sequence (seam.py: one overlap; speakers.py)
    record.py      7  the last chunk is in: write the outputs, record the cost, announce it (attribution.py)

Steps 1 to 4 run in the router, 5 in the worker, 6 and 7 in the merger. Between them travel the messages of
`shared/messages.py`. Every step may run twice or die half-way: `create()` decides who is first, nothing is counted
up, and a message is acknowledged only after its effects are durable. What happens when an engine fails stands in
`shared/recovery/`, what runs every minute in `shared/sweep/`.
"""
