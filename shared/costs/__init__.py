"""What it costs: rows, limits, and what is told to people.

ledger.py      one row for each attempt of an engine on a chunk
executions.py  rows for the start-up and idle time of workers, to the sum that is billed
limits.py      what a day and a month may cost: the rules
budget.py      what was spent and committed of it (held.py: recordings that wait for room)
rows.py, summary.py, advice.py   the report: rows read, summed up, and what to change
arithmetic.py  the table of an audio hour's price at several speeds
"""
