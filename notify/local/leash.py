"""``python -m notify.local.leash COMMAND...``: run a command that gets SIGTERM when its parent dies."""

import os
import sys

from notify.local import process

if __name__ == "__main__":
    process.die_with_parent()
    os.execvp(sys.argv[1], sys.argv[1:])
