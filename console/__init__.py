"""The console: a server for people and programs that want transcripts over HTTP.

Read server.py first, then api/.

server.py       the application
page_files.py   the page
api/            /api/v1, which the page uses
openai/         /v1, the protocol of OpenAI's audio API
security/       who may ask, and what browsers may do with the answers
renditions.py   sound for browsers and waveforms that are missing, one after the other
results.py      results of chunks that were read a moment ago
bodies.py       large bodies of requests, in pieces
slow_clients.py connections that send half a request

The two protocols know nothing of each other, and what both need stands below them.

It is part of Dropscribe's inside and changes without notice: programs import `dropscribe`.
"""
