"""Benchmarks: each prints a table and a JSON line; every speed is a ratio to a yardstick of the same run."""
