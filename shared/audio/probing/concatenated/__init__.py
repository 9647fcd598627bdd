"""Several recordings in one file: where each begins, and what the probe finds of each.

    probe.py     what a file says that consists of several
    parts.py     where they begin: asks the files below
    ends.py      … where a file ends by its own header: wav, aiff, caf, mp4, wma, tta, …
    numbered.py  … where the numbers of its frames begin anew: flac, WavPack, mp4 in fragments
    clock.py     … where its clock goes back: transport streams, Matroska, Ogg, flv

The places that are read are few, whatever the length of the file.
"""
