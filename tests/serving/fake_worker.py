"""A worker that answers with its process number, and does what a path tells it to: what a supervisor has to bear."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from pathlib import Path

from nbregistry.serving.marker import Marker
from nbregistry.serving.quarantine import quarantined
from nbregistry.serving.spec import RunFolder

BAD = "b" * 64


def main() -> None:
    """Answer until told to stop."""
    folder, index, listens, tells = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    marker = Marker(RunFolder(folder).marker(index))
    if (folder / "refuse").exists():
        os.write(tells, b"failed: there is nothing to serve\n")
        sys.exit(3)
    while (folder / "hang").exists() and BAD not in quarantined(folder):
        marker.running(BAD)
        time.sleep(0.01)
    marker.idle()
    leave: list[int] = []
    signal.signal(signal.SIGTERM, lambda *_: leave.append(1))
    listener = socket.socket(fileno=listens)
    listener.settimeout(0.05)
    os.write(tells, b"ready\n")
    marker.beat(0)
    while not leave and os.getppid() != 1:
        try:
            client, _ = listener.accept()
        except OSError:
            continue
        with client:
            client.settimeout(5)
            path = client.recv(4096).split(b" ")[1].decode()
            if path == "/crash" and BAD not in quarantined(folder):
                marker.running(BAD)
                os._exit(11)
            if path == "/slow":
                time.sleep(0.5)
            answer = str(os.getpid()).encode()
            client.sendall(
                b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s" % (len(answer), answer)
            )


if __name__ == "__main__":
    main()
