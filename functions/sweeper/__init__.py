"""The sweeper: every minute it repairs what was lost or is stuck, and it takes dead letters."""
