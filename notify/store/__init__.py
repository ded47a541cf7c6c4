"""All SQL. Functions take a connection inside a transaction and never commit it; ``db.begin`` does."""
