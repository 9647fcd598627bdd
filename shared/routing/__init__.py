"""Step 3: which method and engine transcribe a recording, and why. Read them in this order.

    case.py            the input and the result of a decision
    route.py           the decision
    pick.py            the order of precedence: the caller's options, a setting, Parakeet's share, then matrix or score
    speakers.py        who tells speakers apart
    weights.py         which weights ours use, and whether they know the language
    matrix.py          `auto`: by length and size
    score.py           by money and waiting: each method with its plan (pace.py: speeds and prices)
    hybrid.py          one recording for two engines: which chunks each of them gets
    parakeet_share.py  the share of recordings that Parakeet gets, and the guard that reduces it
    within_budget.py   the decision within the budgets of `shared/costs/`
    eligible.py        which engines may take over the chunks of an engine that fails
    conditions.py      what the sweeper stores for the router each minute
    flags.py           settings that can be changed at run time

All but within_budget, conditions and flags are pure.
"""
