"""What most teams build first, for comparison: one Celery task per step and message, an ORM, ``requests``."""
