"""Recordings of known words: every container, and kinds of clock, layout and damage.

    cases        the recordings, and what is right of each
    transcribe   the whole flow with the demo weights, in chunks of 20 s; errors in words and in times

`make corpus` prints the table; `test_corpus.py` holds a few rows of it.
"""
