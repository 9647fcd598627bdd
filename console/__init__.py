"""The console: a server for people and programs that want transcripts over HTTP.

Read server.py first, then api/.

server.py       the application
page_files.py   the page
api/            /api/v1, which the page uses
openai/         /v1, the protocol of OpenAI's audio API
security/       who has access, and what browsers may do with responses
renditions.py   missing audio for browsers and waveforms, one after the other
results.py      a cache of chunks' results
bodies.py       large request bodies, in pieces
slow_clients.py connections that send half a request

The two protocols do not know each other; what both need is beside them.

It is part of Dropscribe's inside and changes without notice: programs import `dropscribe`.
"""
