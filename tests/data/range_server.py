"""A web server on this machine that can resume, break off, and lie."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Server:
    """What it has, how it behaves, and what it was asked.

    Parameters
    ----------
    files : by path.
    break_after : bytes of one answer after which the connection ends; None for never.
    breaks : how many answers break off.
    stall : whether the connection then stays open without a further byte, until the end.
    ranges : whether it can resume.
    kind : the content type it says.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    break_after: int | None = None
    breaks: int = 1
    stall: bool = False
    ranges: bool = True
    kind: str = "application/octet-stream"
    asked: list[tuple[str, str]] = field(default_factory=list)
    sent: int = 0
    url: str = ""
    over: threading.Event = field(default_factory=threading.Event)


@contextmanager
def serving(**settings) -> Iterator[Server]:
    server = Server(**settings)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_) -> None:
            pass

        def do_GET(self) -> None:
            wanted = self.headers.get("Range", "")
            server.asked.append((self.path, wanted))
            data = server.files.get(self.path)
            if data is None:
                self.send_error(404)
                return
            first = 0
            found = re.fullmatch(r"bytes=(\d+)-", wanted) if server.ranges else None
            if found:
                first = int(found[1])
                if first >= len(data):
                    self.send_response(416)
                    self.send_header("Content-Range", f"bytes */{len(data)}")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
            rest = data[first:]
            self.send_response(206 if found else 200)
            if found:
                self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
            self.send_header("Content-Length", str(len(rest)))
            self.send_header("Content-Type", server.kind)
            self.end_headers()
            if server.break_after is not None and server.breaks > 0:
                server.breaks -= 1
                rest = rest[: server.break_after]
                self.close_connection = True
            self.wfile.write(rest)
            server.sent += len(rest)
            if server.stall and len(rest) < len(data) - first:
                self.wfile.flush()
                server.over.wait()

    web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=web.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{web.server_address[1]}"
    try:
        yield server
    finally:
        server.over.set()
        web.shutdown()
        web.server_close()
        thread.join()
