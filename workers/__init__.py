"""Celery's side: each task parses its arguments, runs one stage, publishes what follows."""
