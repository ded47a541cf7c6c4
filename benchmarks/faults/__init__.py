"""Faults: an instance of real processes under load while things die, and the ledger of what became of it all.

``python -m benchmarks.faults --minutes 60 --messages 300000 --seed 1``; the short forms are ``tests/faults``.
"""
