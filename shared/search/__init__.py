"""Words of all transcripts in SQLite's full-text index, in whatever file: one on one machine, shards in a project.

Read wanted.py first, then words_index.py.

- `wanted.py`: what a person typed, as phrases
- `words_index.py`: the tables of an index, and what is done with them
"""
