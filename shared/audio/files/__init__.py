"""The recording as a seekable file, every byte of which comes from somewhere else.

    reader.py    ranged reads behind the interface of a file
    overlay.py   the same with some stretches replaced, and nothing moved

Both are what FFmpeg and the parsers read from.
"""
