"""Step 5 for engines that somebody else runs: one call for one chunk. Read them in this order.

    hosted_chunk.py    give the engine one chunk, keep what it heard and what it charges
    hosted_result.py   the pure half: the result of a call, and its row in the ledger
    audio_budget.py    how much audio one process holds in memory for such calls

Its side effects are those of `shared/flow/chunk.py`.
"""
