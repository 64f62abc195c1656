"""A request whose headers and body came together, before anybody decided how it is answered."""

from __future__ import annotations


class _NoEvent:
    def set(self) -> None: ...


class Short:
    """A request on the short way, as far as its connection knows: what uvicorn's cycle is on the long one."""

    __slots__ = (
        "body", "disconnected", "headers", "keep_alive", "message_event", "more_body", "response_complete", "trouble",
        "url", "version",
    )  # fmt: skip

    _event = _NoEvent()

    def __init__(self, url: bytes, headers: list[tuple[bytes, bytes]], version: str, *, keep_alive: bool) -> None:
        self.url, self.headers, self.version, self.keep_alive = url, headers, version, keep_alive
        self.body = b""
        self.more_body = True
        self.response_complete = self.disconnected = False
        self.trouble = ""
        self.message_event = self._event
