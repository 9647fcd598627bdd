"""One chunk of a recording as 16 kHz mono samples.

    decode.py       cut by time, where the container can seek
    byte_range.py   cut by bytes: mp3 and raw aac
    timeline.py     puts decoded frames in their places
    shortcut.py     spares FFmpeg what a chunk does not need of a long file

Only the bytes of the chunk are read, with its overlap.
"""
