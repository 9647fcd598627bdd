"""The flow of one recording, one step per file. Read them in this order.

    upload.py      1  an object appeared: the first process records it; then steps 2 to 4 (request.py: a service asks;
                      retry.py, backfill.py: a person asks; same_content.py: it was done before;
                      refusals.py: what is beyond a limit)
    probe.py       2  learn length, codec and channels from a bounded number of bytes
                   3  choose the method, and say why: shared/routing/
                   4  cut the recording into chunks and freeze the plan: shared/planning/
    dispatch.py       publish the chunks of the plan (capacity.py: start workers for them)
    chunk.py       5  one chunk: fetch and decode it, commit its result, publish that it is done
    merge.py       6  merge the words of all chunks into one sequence (seam.py: one overlap; speakers.py and
                      diarization/: who says them; assemble.py: the whole transcript; attribution.py)
    record.py      7  the last chunk is done: decide, write the outputs (transcript_files.py), record, announce
                      (redo.py: results that are gone), or record why it failed
    forget.py         everything about a recording is deleted because a person or the retention policy asked for it (erase.py: what that is)
    reading/          what people read of a recording, and what they correct

Steps 1 to 4 run in the router, 5 in the worker, 6 and 7 in the merger; the messages of `shared/messages.py` connect
them. Every step may run twice or die half-way: `create()` decides who is first, no counter is incremented, and a
message is acknowledged only after its effects are durable. `shared/recovery/` handles engines and messages that
fail, `shared/sweep/` runs every minute.
"""
