"""For every test: the fixtures of real servers, which start when the first test asks for one."""

pytest_plugins = ["tests.stack"]
