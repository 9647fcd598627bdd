"""The console: a server for people and programs that want transcripts over HTTP.

openai/   /v1, the protocol of OpenAI's audio API
"""
