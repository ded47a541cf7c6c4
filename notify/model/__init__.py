"""The frozen types every layer speaks: no SQL, no sockets, no Celery, no settings."""
