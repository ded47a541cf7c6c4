"""Preferences: pure rules of who wants what."""
