"""Commands that look at what is there, and change nothing.

    status    where recordings stand        letters       the newest dead letters
    cost      what was spent                cost_screen   its tables and bars
    doctor    what works here

`docs/operation.md` tells an operator what each shows.
"""
