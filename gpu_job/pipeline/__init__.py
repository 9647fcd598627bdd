"""From messages to committed results, in one direction.

    consumer.py ─▶ batcher.py ─▶ recogniser.py ─▶ committer.py        worker.py builds and runs them
                                     └▶ diarization.py ▶┘

Read worker.py first, then the four steps in this order. What becomes of a chunk is decided by the committer alone.

    chunk_job.py        a chunk on its way             inflight.py        its message, under lease
    memory.py           how much fits a GPU            chunk_result.py    what is committed
    loaded_engines.py   the engines of this worker     both_channels.py   two channels one by one
    summary.py          what it did

tests/test_architecture.py holds the order in which they may import each other.
"""
