"""What happens when an engine or a message fails.

Read fallback.py first, then dead_letter.py.

    fallback.py        an engine gave up a chunk: the next engine gets it, or its recording fails
    takeover.py        an engine of the other kind takes over a recording with speakers, all chunks of it
    no_weights.py      a worker without weights: other engines get the chunks that wait for it
    poison.py          a chunk that kills its worker's process
    dead_letter.py     a message failed too often: its chunk goes to another engine, or its recording ends
    replay.py          a person fixed what a message failed on: it is published again
    owner_messages.py  messages about all this to the owner of the recording

Terms: an engine *gives up* a chunk when it has failed at it for good, and the chunk is *handed over* to the next one. In
a *takeover* that engine is of the other kind, and gets the whole recording. A message is given up when its deliveries
have run out: it becomes a dead letter.

The steps of `shared/flow/` know nothing about it; workers and functions call it when something raises.
"""
