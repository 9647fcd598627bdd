"""The guard of a rollout: a release that does badly goes back automatically, also while no command runs."""
