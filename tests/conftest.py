"""Properties are about behaviour, not time: a busy computer must not fail them."""

from hypothesis import settings

settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")
