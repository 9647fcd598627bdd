"""The console: a server for people and programs that want transcripts over HTTP.

Read server.py first, then api/.

server.py       the application
security/       who may ask, and what browsers may do with the answers
api/            /api/v1, which the page uses
live/           what changes, for all who look
page_files.py   the page
bodies.py       large bodies of requests, in pieces
impatient.py    connections that send half a request
openai/         /v1, the protocol of OpenAI's audio API

It is part of Dropscribe's inside and changes without notice: programs import `dropscribe`.
"""
