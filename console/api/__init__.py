"""The console's own API below `/api/v1`: JSON, described in `/api/v1/openapi.json`. Read in this order.

routes.py       what is answered where
answers.py      bodies in and out, and errors as sentences
types.py        what is in the bodies
recordings.py   lists of recordings, one recording; rows.py: how one is shown
words.py        words and waveform          audio.py    the sound itself
changes.py      cancel, retry, delete       revisions.py   corrections
uploads.py      files in                    requests.py    what is there already; quotes: for how much
costs.py        as `dropscribe cost`        trouble.py     failures, dead letters, workers
search.py       words of all transcripts    events.py      what changes, as it changes
openapi.py      the description
"""
