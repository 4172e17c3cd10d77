"""What a mailbox is read from: a real Dovecot on loopback, and a proxy that adds a round trip.

`python benchmarks/imap_server.py PORT MS` is the proxy: it prints the port that it listens on.
"""

import asyncio
import os
import pwd
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.dovecot import PASSWORD, Dovecot, running

__all__ = ["PASSWORD", "Dovecot", "away", "fill", "running"]

CHUNK = 65_536
UNDERWAY = 1024  # chunks: more than anyone reads in half a round trip


def fill(server: Dovecot, user: str, write: Callable[[Path], None]) -> Path:
    """Let `write` write a user's Maildir, give it to the server's mail user, and have it indexed.

    Indexed before anybody reads, so that nobody pays for the server's first look.
    """
    maildir = server.maildir(user)
    write(maildir)
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        subprocess.run(
            ["chown", "-R", f"{nobody.pw_uid}:{nobody.pw_gid}", str(maildir.parent)], check=True
        )
    server.admin("index", "-u", user, "*")
    server.admin("fetch", "-u", user, "uid size.virtual date.received", "mailbox", "*", "all")
    return maildir


@contextmanager
def away(port: int, round_trip_ms: int) -> Iterator[int]:
    """Answer on a port whose every byte takes half a round trip to `port`, and half back."""
    command = [sys.executable, __file__, str(port), str(round_trip_ms)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield int(process.stdout.readline())
        finally:
            process.terminate()


async def _listen(port: int, delay: float) -> None:
    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(_carry(reader, back, delay), _carry(there, writer, delay))

    server = await asyncio.start_server(join, "127.0.0.1", 0, limit=CHUNK)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    """Carry one direction, in order, every chunk that much later than it came."""
    underway: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(UNDERWAY)
    late = asyncio.create_task(_put(underway, writer))
    try:
        while chunk := await reader.read(CHUNK):
            await underway.put((time.monotonic() + delay, chunk))
    except ConnectionError:
        pass
    await underway.put((time.monotonic() + delay, b""))
    await late


async def _put(underway: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            due, chunk = await underway.get()
            if (wait := due - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            if not chunk:
                break
            writer.write(chunk)
            await writer.drain()
    except ConnectionError:
        while (await underway.get())[1]:  # the other end has gone: nobody waits for a place
            pass
    writer.close()


if __name__ == "__main__":
    asyncio.run(_listen(int(sys.argv[1]), float(sys.argv[2]) / 2000))
