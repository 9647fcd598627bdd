"""Posts webhooks about transcripts and budgets."""
