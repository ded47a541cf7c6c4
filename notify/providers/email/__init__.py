"""E-mail adapters, and what they share: addresses, one mail with its override, MIME."""
