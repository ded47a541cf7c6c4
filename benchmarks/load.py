"""The load generator: a fixed number of sends over a fixed number of kept-alive connections.

``python -m benchmarks.load URL KEY CONNECTIONS COUNT``; prints seconds and the latencies of the answers.
"""

import asyncio
import json
import sys
import time
from urllib.parse import urlsplit

import uvloop

_BODY = {
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
        length = next(int(x.split(b":")[1]) for x in head.split(b"\r\n") if x.lower().startswith(b"content-length"))
        await reader.readexactly(length)
        latencies.append(time.perf_counter() - begin)
    writer.close()


async def main(url: str, key: str, connections: int, count: int) -> None:
    target = urlsplit(url)
    body = json.dumps(_BODY).encode()
    request = (
        f"POST /send HTTP/1.1\r\nhost: {target.netloc}\r\nauthorization: Bearer {key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode() + body
    left, latencies = [count], []
    await asyncio.gather(
        *(_connection(target.hostname or "", target.port or 80, request, left, latencies) for _ in range(connections))
    )
    latencies.sort()
    print(json.dumps({"p50_ms": latencies[len(latencies) // 2] * 1e3, "p99_ms": latencies[int(len(latencies) * 0.99)] * 1e3}))


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
