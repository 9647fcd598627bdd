"""Hosted engines: an adapter for each, which `shared/engines.py` names, and what only this adapter needs beside it.

deepgram.py calls Deepgram, deepgram_answers.py reads what it answers. A new adapter needs no line here.
"""
