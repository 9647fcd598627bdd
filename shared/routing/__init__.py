"""The rules behind step 3: who transcribes a recording, and who does not.

    pick.py        the order of what decides: a wish, a setting, the rollout, then matrix or score
    matrix.py      `auto`: by length and size
    score.py       by money and waiting (pace.py: speeds and prices), each method's prospects
    hybrid.py      one recording for two engines: which chunks each of them gets
    rollout.py     the share of recordings that Parakeet gets, and the guard that takes it back
    flags.py       what people change while everything runs
    conditions.py  what the sweeper writes down for the router each minute (observe.py)
    afford.py      the choice, with the budgets of `shared/costs/`

All but flags, conditions, observe and afford are pure.
"""
