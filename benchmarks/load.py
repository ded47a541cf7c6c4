"""The load generator: a fixed number of sends over a fixed number of kept-alive connections.

``python -m benchmarks.load URL KEY CONNECTIONS COUNT``; prints seconds and the latencies of the answers.
"""

import asyncio
import json
import sys
import time
from urllib.parse import urlsplit

import uvloop

BODY = {
    "message": {
        "to": {"user_id": "bench-user"},
        "template": "bench",
        "data": {"name": "Ada", "order": "A-17"},
        "routing": {"method": "single", "channels": ["sms"]},
    }
}


async def _connection(host: str, port: int, request: bytes, left: list[int], latencies: list[float]) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    while left[0] > 0:
        left[0] -= 1
        begin = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 202"):
            raise SystemExit(head.decode())
        await reader.readexactly(_content_length(head))
        latencies.append(time.perf_counter() - begin)
    writer.close()


def _content_length(head: bytes) -> int:
    lines = head.lower().split(b"\r\n")
    return next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))


async def main(url: str, key: str, connections: int, count: int) -> None:
    target = urlsplit(url)
    body = json.dumps(BODY).encode()
    request = (
        f"POST /send HTTP/1.1\r\nhost: {target.netloc}\r\nauthorization: Bearer {key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode() + body
    left, latencies = [count], []
    address = target.hostname or "", target.port or 80
    await asyncio.gather(*(_connection(*address, request, left, latencies) for _ in range(connections)))
    latencies.sort()
    p50, p99 = latencies[len(latencies) // 2], latencies[int(len(latencies) * 0.99)]
    print(json.dumps({"p50_ms": p50 * 1000, "p99_ms": p99 * 1000}))


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
