"""The merger: from the last finished chunk to a transcript."""
