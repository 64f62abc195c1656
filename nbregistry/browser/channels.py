"""What passes between a page and its kernel: what widgets say to each other, and nothing else in either direction."""

from __future__ import annotations

import json
import struct
from typing import Any

from jupyter_server.services.kernels.connection.base import deserialize_binary_message, deserialize_msg_from_ws_v1
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection

CONTROL = "jupyter.widget.control"
"""The only thing that a page opens in a kernel: over it the page asks which widgets there are."""
SILENT = frozenset({"execute_input", "stream", "error"})
"""What a kernel says that is not for a page: code, and what went wrong with its paths and its lines."""
_V1 = "v1.kernel.websocket.jupyter.org"


class VisitorChannels(ZMQChannelsWebsocketConnection):
    """A page's connection to its kernel."""

    def handle_incoming_message(self, incoming_msg: Any) -> None:
        """Pass on what a page may say; the kinds of messages that may be said at all are checked after this."""
        if passes(incoming_msg, v1=self.subprotocol == _V1):
            super().handle_incoming_message(incoming_msg)

    def handle_outgoing_message(self, stream: Any, outgoing_msg: list[Any]) -> None:
        """Pass on what a kernel says to widgets."""
        _, parts = self.session.feed_identities(outgoing_msg)
        if self.session.unpack(parts[1])["msg_type"] not in SILENT:
            super().handle_outgoing_message(stream, outgoing_msg)


def passes(message: Any, *, v1: bool) -> bool:
    """Whether a message may go to a kernel: it can be read, and makes nothing in there besides the way to ask.

    Parameters
    ----------
    message : str or bytes
        As it came over the websocket.
    v1 : bool
        Whether it is laid out as Jupyter's ``v1.kernel.websocket.jupyter.org`` says; else it is JSON, with buffers
        behind it where it is binary.
    """
    try:
        if v1:
            _, parts = deserialize_msg_from_ws_v1(message)  # type: ignore[no-untyped-call]  # Jupyter's is half typed
            header, content = json.loads(parts[0]), json.loads(parts[3])
        else:
            read = deserialize_binary_message if isinstance(message, bytes) else json.loads
            found: Any = read(message)
            header, content = found["header"], found["content"]
        kind = header["msg_type"]
        return bool(kind != "comm_open" or content["target_name"] == CONTROL)
    except (ValueError, LookupError, TypeError, struct.error, RecursionError):
        return False
