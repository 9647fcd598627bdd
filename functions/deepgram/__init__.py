"""Transcribes chunks with Deepgram."""
