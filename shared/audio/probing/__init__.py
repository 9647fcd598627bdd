"""Format, codec, channels and duration of a recording, from its header and its tail.

    audio_info.py   the probe: asks sniff.py which container it is, then a file below or FFmpeg (ffmpeg.py)
    isobmff.py      mp4, m4a, mov; isobmff_codecs.py names the codec, isobmff_fragments.py finds the last fragment
    matroska.py     mkv, webm; ebml.py reads its elements
    elementary.py   mp3 and raw aac without a container; mpeg_frames.py reads their frames
    wav.py          wave files of plain samples, without FFmpeg
    flac.py         blocks and frames of flac; amr.py the length of AMR, and its pauses
    truncation.py   files that are shorter than their headers say: riff.py, avi.py, asf.py; ogg.py without its end
    flv.py          the tags of flv
    concatenated/   several recordings in one file: where each begins
    notices.py      what the owner is told

The number of bytes read does not grow with the length of the recording.
"""
