"""Notify: a self-hosted notification delivery pipeline."""
