"""The HTTP API: parse, call one function, answer. Speaks the reference API; see ``docs/api.md``."""
