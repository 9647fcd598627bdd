"""One chunk of a recording, with its overlap, as 16 kHz mono samples.

    decode.py       chooses one of three ways, and decodes a chunk that is cut by time
    seek.py         … its packets, however well the container can seek
    splice.py       … of a long file without an index: hides what lies before
    index_repair.py … of an mp4 with damaged sizes in its index
    byte_range.py   a chunk that is cut by bytes: mp3 and raw aac
    wav_samples.py  a chunk of plain samples, without a demuxer
    parts.py        a chunk of several recordings in one file
    downmix.py      which channels are heard, and how loud
    timestamps.py   which timestamps are believed
    timeline.py     places what is decoded on the axis of the output

Few more bytes are read than those of the chunk.
"""
