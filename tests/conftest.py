"""For every test: the fixtures of real servers, which start when the first test asks for one."""

from hypothesis import settings

pytest_plugins = ["tests.stack"]

# How long an example takes is the machine's affair.
settings.register_profile("notify", deadline=None)
settings.load_profile("notify")
