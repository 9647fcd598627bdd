"""The function that transcribes a chunk with a hosted engine."""
