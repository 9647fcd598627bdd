"""How many words are wrong, and how often the wrong person speaks.

Read wer.py first, then speakers.py.

wer         word error rates; seams: words lost or added between chunks
speakers    who speaks when: mixtures (with reference), diarization (errors)
clustering  how long the voices of many hours take to be told apart
"""
