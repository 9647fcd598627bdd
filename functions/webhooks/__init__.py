"""Tells an address outside of transcripts and budgets."""
