"""The function that has a hosted engine transcribe a chunk."""
