"""What changes, for all who look: one poll however many pages are open, and none where there is none.

feed.py      the poll, and what each viewer is told
renditions.py  sound for browsers and waveforms that are missing, one after the other
results.py   results of chunks that were read a moment ago
"""
