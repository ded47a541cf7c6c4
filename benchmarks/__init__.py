"""Benchmarks: each prints a table and one JSON line; every speed is a ratio to a yardstick of the same run."""
