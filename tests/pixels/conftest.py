from hypothesis import settings

# The first example pays for imports and matrices, and no test should depend on the clock.
settings.register_profile("no-clock", deadline=None)
settings.load_profile("no-clock")
