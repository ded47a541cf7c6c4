"""The stages. One file each: claim a batch, work on it with no transaction open, record, return what follows.

Lock order, everywhere: messages (by id), then work rows. ``store.messages.lock`` comes before
``store.work.fence``.
"""
