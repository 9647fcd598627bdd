"""The recording as a seekable file, whose bytes come from somewhere else.

    reader.py         ranged reads behind the interface of a file, in few requests; of a part of it as well
    overlay.py        the same with other bytes at one place
    ogg_positions.py  Ogg whose positions begin below zero

FFmpeg and the parsers read from these.
"""
