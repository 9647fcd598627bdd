"""What the ledger says, for people: sums, recommendations, and the arithmetic behind the prices."""
