"""The sweeper: what fell through, so that nothing stays silent."""
