"""From messages to results that are kept, in one direction.

    consumer.py ─▶ batcher.py ─▶ recogniser.py ─▶ committer.py        (worker.py builds and runs them)

What becomes of a chunk, kept or failed, is decided by the committer alone.
"""
