"""Duration, codec and channels of a recording, from its header and its tail.

    sniff.py        which container is it, from its first bytes
    audio_info.py   the probe: asks one of the files below, and FFmpeg (ffmpeg.py) for the rest
    isobmff*.py     mp4, m4a, mov                      matroska.py, ebml.py   mkv, webm
    mpeg_frames.py  mp3 and raw aac, frame by frame    wav.py                 wave files of plain samples
    flac.py  ogg.py                                    riff.py  avi.py  asf.py, with truncation.py: files that
                                                       are shorter than their headers say

The bytes read do not grow with the length of the recording.
"""
