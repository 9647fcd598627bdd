"""The guard of a rollout: it goes back by itself, also while nobody watches."""
