"""Step 3: who transcribes a recording, and why. Read them in this order.

    case.py        what a decision depends on, and what comes of it
    route.py       the decision
    pick.py        the order of what decides: a wish, a setting, the rollout, then matrix or score
    matrix.py      `auto`: by length and size
    score.py       by money and waiting: each method thought through to its plan (pace.py: speeds and prices)
    hybrid.py      one recording for two engines: which chunks each of them gets
    rollout.py     the share of recordings that Parakeet gets, and the guard that takes it back
    afford.py      the decision, with the budgets of `shared/costs/`
    eligible.py    who may take over the chunks of an engine that fails
    conditions.py  what the sweeper writes down for the router each minute
    flags.py       what people change while everything runs

All but afford, conditions and flags are pure.
"""
