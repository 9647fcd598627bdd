"""The sweeper: every minute it repairs what was lost or is stuck; it also stores dead letters."""
