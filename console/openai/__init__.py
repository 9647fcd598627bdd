"""OpenAI's audio API under `/v1`, for programs that already speak it. Read in this order.

    routes.py       the table of routes
    receiving.py    the body of a request is taken, or refused because it is too large or the disk is full
    multipart.py    the body of a request, streamed to a file, never held in memory
    form.py         its fields, validated; models.py: names of models; languages.py: of languages
    intake.py       the file becomes an object that is named after its bytes, and its transcript is requested
    waiting.py      one poll for all waiting clients; progress.py: what it looks at
    documents.py    a transcript in the formats of OpenAI
    stream.py       its words as server-sent events, while its chunks end
    errors.py       what went wrong, as OpenAI says it

What it answers follows the types of OpenAI's own client (PyPI `openai`); docs/openai.md has what is different.
"""
