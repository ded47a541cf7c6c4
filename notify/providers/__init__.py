"""Sans-IO adapters: what goes out becomes a call in a provider's words, its answer becomes an outcome."""
