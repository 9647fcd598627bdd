"""Commands that look at what is there, and change nothing.

Read status first, then details.

    show      a transcript
    status    where recordings stand        overview      what it looks at
                                            status_screen how that is shown
                                            details       all that is known of one
                                            watch         the same, drawn again with each change
    cost      what was spent                cost_screen   its tables and bars
                                            reconcile     the ledger beside what Deepgram and Google say
    doctor    what works here

`docs/operation.md` tells an operator what each shows.
"""
