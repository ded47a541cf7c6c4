"""Chat adapters: the direct_message channel."""
