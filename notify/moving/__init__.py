"""Moving in from another server: the reference's API in, our own records with the same ids out."""
