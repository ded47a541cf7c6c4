"""One file of cases per provider, and the contract suite that runs them all."""
