"""What it costs: prices, rows, limits, and what is told to people.

    prices.py        the price table (prices_file.py: a deployment's own)
    attempt_rows.py  the row of one attempt of an engine on a chunk
    executions.py    rows for the start-up and idle time of workers, to the sum that is billed
    limits.py        what a day and a month may cost: the rules
    budget.py        what was spent of it, and what is committed
    rows.py          the rows of some days (summary.py: summed up; advice.py: what to change)
    hour_price.py    the table of an audio hour's price at several speeds

The documents themselves are `shared/state/ledger.py`'s; what a budget holds is released by `shared/sweep/`.
"""
