"""How right and how fast some weights are on recordings with known words."""
