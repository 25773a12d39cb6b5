"""A version of the shop: an HTTP/1.1 server that names itself in the header ``x-release`` of each answer.

    python shop_app.py VERSION PORT

Answers 500 as often as the file ``fails`` beside it says (0 … 1), if there is one. Keeps connections alive
unless asked not to. SIGTERM ends it: by then it was drained.
"""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path


async def main(version: str, port: int) -> None:
    says = Path(__file__).with_name("fails")
    fails = float(says.read_text()) if says.exists() else 0.0
    rest = f"\r\nContent-Length: {len(version)}\r\nX-Release: {version}\r\n\r\n{version}"
    answer, failed = f"HTTP/1.1 200 OK{rest}".encode(), f"HTTP/1.1 500 Failed{rest}".encode()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = b""
            while b"connection: close" not in head.lower():
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(failed if fails and random.random() < fails else answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
