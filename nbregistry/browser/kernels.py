"""The kernels behind pages: each is one visitor's, none outlives its page for long."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from jupyter_server._tz import utcnow
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from tornado.ioloop import IOLoop
from tornado.web import HTTPError

from nbregistry.browser.visits import Visit, Visits

ALLOWED = ("comm_open", "comm_close", "comm_msg", "comm_info_request", "kernel_info_request")
"""What a browser may send to a kernel: what widgets need, and nothing that runs code or ends a kernel."""
_STARTING = 20.0  # seconds in which a kernel that is being started has to be there


class VisitorKernels(AsyncMappingKernelManager):
    """Starts kernels that know how to ask for their visit; the application sets ``visits`` and ``given``.

    Attributes
    ----------
    given : dict
        Environment variables of every kernel, on top of the server's own.
    withheld : frozenset of str
        Environment variables of the server that no kernel gets.
    """

    visits: Visits
    given: dict[str, str]
    withheld: frozenset[str] = frozenset()

    async def start_kernel(self, **kwargs: Any) -> str:  # type: ignore[override]  # Jupyter's own assigns a coroutine too
        """Start a kernel with what it needs to ask for its visit, and without what is not its business."""
        told = {k: v for k, v in (kwargs.pop("env", None) or {}).items() if k not in self.withheld}
        found: str = await super().start_kernel(**kwargs, env={**told, **self.given})
        return found

    def remove_kernel(self, kernel_id: str) -> Any:
        """Forget a kernel and its visit."""
        self.visits.end(kernel_id)
        return super().remove_kernel(kernel_id)

    def begin(self, kernel_id: str, visit: Visit) -> None:
        """Give a kernel to a visitor; one of the pool may have stood still for hours, which must not count as idle."""
        self.get_kernel(kernel_id).last_activity = utcnow()  # type: ignore[attr-defined]  # Jupyter sets it so too
        self.visits.begin(kernel_id, visit)

    def used(self, kernel_id: str) -> None:
        """Note that somebody uses the page of a kernel: to read and to write is no idling."""
        if kernel_id in self:
            self.get_kernel(kernel_id).last_activity = utcnow()  # type: ignore[attr-defined]  # as above

    def leave(self, kernel_id: str, after: float) -> None:
        """End a visit to which no page holds on in a while: its page is gone, or was none that runs scripts."""

        async def look() -> None:
            held = self.visits.held(kernel_id) or self._kernel_connections.get(kernel_id, 0) > 0
            if self.visits.of(kernel_id) and kernel_id in self and not held:
                await self.shutdown_kernel(kernel_id, now=True)  # type: ignore[no-untyped-call]  # Jupyter's is half typed

        IOLoop.current().call_later(after, look)

    async def end_all(self) -> None:
        """End every kernel; one of the pool that is just being started is waited for, or it would outlive us."""
        starting = [task for pool in getattr(self, "_pools", {}).values() for task in pool]
        if starting:
            started, _ = await asyncio.wait(starting, timeout=_STARTING)
            for task in started:
                if not task.cancelled() and task.exception() is None:
                    task.result()["task"].cancel()  # what draws the page beforehand, which would miss its kernel
        for kernel_id in self.list_kernel_ids():
            with contextlib.suppress(HTTPError):  # it went by itself meanwhile
                await self.shutdown_kernel(kernel_id, now=True)  # type: ignore[no-untyped-call]  # as above, half typed


class Giving:
    """The kernel manager as a page's route sees it: every kernel it gives is noted as its visitor's.

    Parameters
    ----------
    kernels : VisitorKernels
        The real one, with Voila's pool around it.
    """

    def __init__(self, kernels: Any, visit: Visit) -> None:
        self._kernels, self._visit = kernels, visit
        self.kernel = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kernels, name)

    async def get_rendered_notebook(self, notebook_name: str, **_: Any) -> Any:
        """Take a kernel from the pool. What the request's address was is not for the kernel that replaces it."""
        found = await self._kernels.get_rendered_notebook(notebook_name=notebook_name)
        self._begin(found[2])
        return found

    async def start_kernel(self, **kwargs: Any) -> str:
        """Start a kernel where the pool is empty."""
        found: str = await self._kernels.start_kernel(**kwargs)
        self._begin(found)
        return found

    def _begin(self, kernel: str) -> None:
        self.kernel = kernel
        self._kernels.begin(kernel, self._visit)
