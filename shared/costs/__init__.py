"""What it costs: prices, ledger rows, limits and reports.

Read prices.py first, then attempt_rows.py and budget.py.

    prices.py        the price table (prices_file.py: a deployment's own prices)
    attempt_rows.py  the row of one attempt of an engine on a chunk
    executions.py    rows for the start-up and idle time of workers, up to the billed sum
    limits.py        the rules for what a day and a month may cost
    budget.py        what was spent and what is committed
    rows.py          the rows of a range of days
    summary.py       their sums, which are the columns of the cost report
    advice.py        what to change
    report.py        the cost report: all of it
    reconcile.py     the ledger against what providers charged
    hour_price.py    the price of an audio hour at several speeds

`shared/state/ledger.py` stores the rows; `shared/sweep/` releases the recordings that a budget holds.
"""
