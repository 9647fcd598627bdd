"""The console's own API under `/api/v1`: JSON, described in `/api/v1/openapi.json`. Read in this order.

routes.py       the table of routes
answers.py      bodies in and out, and errors as sentences
types.py        what is in the bodies       rows.py        a recording in a list
recordings.py   lists, and one recording    changes.py     cancel, retry, delete
words.py        words, waveform, files      revisions.py   corrections
audio.py        the sound                   search.py      words of all transcripts
uploads.py      files in                    storage_uploads.py   … past this server, in a project
requests.py     what is there already, and quotes
costs.py        as `dropscribe cost`        trouble.py     failures, dead letters, workers
events.py       what changes                feed.py        one poll of it for all pages, while any is open
about.py        the deployment              openapi.py     the description, and one row of it
"""
