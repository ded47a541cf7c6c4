"""``python -m notify.api FILE``: write the OpenAPI document of this version; needs no settings."""

import sys
from pathlib import Path

import orjson

from notify.api.app import routed


def written() -> bytes:
    """The document, the same bytes each time."""
    return orjson.dumps(routed().openapi(), option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2) + b"\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(written())
