"""What people read of a recording, and what they correct. No step of the flow waits for any of it.

- `live.py`: the words so far while chunks arrive, and the gaps
- `finished.py`: the transcript of a recording that is DONE
- `output_files.py`: its files, also in formats that were not requested in time
- `corrections.py`: the words after a person's edits
- `revision.py`: corrected transcripts: created once, numbered, beside the machine's own
- `peaks.py`: the waveform
- `search_index.py`: words for the search
- `reindex.py`: the same for transcripts from before there was an index
- `rendition.py`: audio for browsers
"""
