"""A way that takes time: a relay that hands on each byte a while later, in a process of its own."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def far(root: str, delay_s: float) -> Iterator[str]:
    """Relay connections to a server under TLS on this machine; yield the address of the relay."""
    port = int(root.rpartition(":")[2])
    child = subprocess.Popen([sys.executable, __file__, str(port), str(delay_s)], stdout=subprocess.PIPE)
    try:
        assert child.stdout is not None
        yield f"https://127.0.0.1:{int(child.stdout.readline())}"
    finally:
        child.kill()
        child.communicate()


async def relay(port: int, delay_s: float) -> None:
    async def one_way(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        due: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def deliver() -> None:
            data = b"begin"
            while data:
                at, data = await due.get()
                await asyncio.sleep(at - loop.time())
                writer.write(data)
            writer.close()

        delivering = asyncio.create_task(deliver())
        with suppress(OSError):
            while data := await reader.read(1 << 16):
                due.put_nowait((loop.time() + delay_s, data))
        due.put_nowait((loop.time() + delay_s, b""))
        await delivering

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(2 * delay_s)  # what the handshake of TCP takes
        there, back = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(one_way(reader, back), one_way(there, writer), return_exceptions=True)

    loop = asyncio.get_running_loop()
    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(relay(int(sys.argv[1]), float(sys.argv[2])))
