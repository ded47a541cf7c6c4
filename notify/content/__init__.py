"""What a message says: Elemental in, a resolved document out, and from it one channel's output.

``check`` refuses malformed content, ``elemental.resolve`` fills in variables, control flow and locale,
``output.build`` makes the email, SMS, push, inbox, chat or webhook output. Pure: no SQL, no sockets.
"""
