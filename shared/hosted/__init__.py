"""Step 5 for hosted engines: one call for one chunk. Read them in this order.

    hosted_chunk.py   give the engine one chunk, commit its result
    hosted_call.py    one call, with its row in the ledger
    hosted_result.py  the pure half: the result of a call
    audio_budget.py   how much audio one process holds in memory for such calls

The engines, with their limits and prices, are in `shared/engines.py`, their adapters in `shared/adapters/`.
"""
