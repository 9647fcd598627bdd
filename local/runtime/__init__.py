"""The deployed system in a few processes of one machine: queue → push → functions, and the ticker."""
