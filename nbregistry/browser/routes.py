"""What the server answers: the page, its kernel's channels, and nothing of what a Jupyter server offers besides."""

from __future__ import annotations

import contextlib
import hmac
import logging
from collections.abc import Callable
from typing import Any, cast

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.base.handlers import APIHandler, FileFindHandler, JupyterHandler
from jupyter_server.base.websocket import WebSocketMixin
from jupyterlab_server.themes_handler import ThemesHandler
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, RequestHandler
from tornado.websocket import WebSocketHandler
from voila.tornado.handler import TornadoVoilaHandler
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler

from nbregistry.browser import notices
from nbregistry.browser.entrance import IN_ADDRESS
from nbregistry.browser.identity import Proof, Visitor
from nbregistry.browser.kernels import Giving, VisitorKernels
from nbregistry.browser.provider import VisitorIdentity
from nbregistry.browser.visits import Visit, Visits
from nbregistry.errors import Overloaded

LOG = logging.getLogger("nbregistry.browser")
ALIVE = 12.0
"""Seconds in which a page has to say that it is there."""
GRACE = 5.0
"""Seconds in which a page that lost its connection may come back to its kernel."""


RESTS = 4410
"""How a connection is closed that a page holds on to, when its kernel has gone; ``leave.js`` knows it."""


class Ours:
    """What our routes have in common: who asks, what is said of faults, and that the entrance has seen the request."""

    visitor: Visitor | None = None
    settings: dict[str, Any]

    @property
    def visits(self) -> Visits:
        """Every visit under way."""
        return cast("Visits", self.settings["nbregistry_visits"])

    def check_xsrf_cookie(self) -> None:
        """Pass: the entrance lets no page but ours ask for a change, and compares origins, not a cookie's copy."""

    def write_error(self, status_code: int, **_: Any) -> None:
        """Say what there is to say without a trace, a path or a word of the request."""
        answer = cast("RequestHandler", self)
        answer.set_header("Content-Type", "text/html; charset=utf-8")
        told = notices.FAULTS.get(status_code, notices.FAULTS[500])
        answer.finish(notices.page(*told, root=self.settings["base_url"]))


class PageRoute(Ours, TornadoVoilaHandler):
    """The page."""

    _giving: Giving | None = None

    @property
    def kernel_manager(self) -> Any:
        """The kernels, each noted as this visitor's when it is given."""
        return self._giving or super().kernel_manager

    def get_argument(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Leave theme and template to the page itself: Voila would start a kernel of its own for another theme."""
        if name in ("theme", "template"):
            return args[0] if args else kwargs.get("default")
        return super().get_argument(name, *args, **kwargs)

    @allow_unauthenticated
    async def get(self, path: str = "") -> None:
        """Answer with the page, drawn as far as it can be without a script."""
        if path:
            raise HTTPError(404)
        self._check_purpose()
        if self.visitor is None:
            if elsewhere := cast("VisitorIdentity", self.identity_provider).elsewhere(self, self._here()):
                self.redirect(elsewhere)
            else:
                self._ask("")
            return
        if IN_ADDRESS in self.request.headers:
            self.redirect(self._here(), status=303)
            return
        try:
            self.visits.reserve()
        except Overloaded as full:
            self.set_status(503)
            self.set_header("Retry-After", str(int(full.retry_after)))
            self.finish(notices.page(*notices.FULL, again=int(full.retry_after)))
            return
        self._giving = Giving(super().kernel_manager, Visit(self.visitor, self.request.query))
        try:
            with contextlib.suppress(StreamClosedError):  # nobody waited for the page
                async for drawn in self.get_generator(path=None):
                    self.write(drawn)
                    await self.flush()
        finally:
            if self._giving.kernel:
                cast("VisitorKernels", super().kernel_manager).leave(self._giving.kernel, ALIVE)
            else:
                self.visits.release()

    @allow_unauthenticated
    async def post(self, path: str = "") -> None:
        """Take the token that somebody typed, and show the page that was asked for."""
        identity = cast("VisitorIdentity", self.identity_provider)
        if path or identity.guests.proof is not Proof.TOKEN:
            raise HTTPError(404)
        found = identity.guests.by_token(self.get_body_argument("token", ""))
        if found is None:
            self._ask("That token is not known here.")
            return
        identity.keep(self, found)
        self.redirect(self._here(), status=303)

    def on_connection_close(self) -> None:
        """End the kernel of a page that nobody waited for."""
        if self._giving is not None and self._giving.kernel:
            cast("VisitorKernels", super().kernel_manager).leave(self._giving.kernel, 0)
        super().on_connection_close()

    def _check_purpose(self) -> None:
        """Refuse what no window shows: an image or a frame in somebody's page would take a visitor's place each time.

        Browsers say so themselves, by the Fetch Metadata headers of the W3C; a client that does not is no page's.
        """
        mode, where, into = (self.request.headers.get(f"Sec-Fetch-{name}", "") for name in ("Mode", "Site", "Dest"))
        foreign = where not in ("", "none", "same-origin") and into not in ("", "document")
        if foreign or mode not in ("", "navigate"):
            raise HTTPError(403)

    def _here(self) -> str:
        """Return the address of this page: always below our own root, whatever the request's path looked like."""
        root: str = self.base_url
        return f"{root}?{self.request.query}" if self.request.query else root

    def _ask(self, fault: str) -> None:
        self.set_status(401)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        by_token = cast("VisitorIdentity", self.identity_provider).guests.proof is Proof.TOKEN
        self.finish(notices.page(*(notices.TOKEN if by_token else notices.STRANGER), form=by_token, fault=fault))


class ThemeRoute(Ours, ThemesHandler):
    """Themes of JupyterLab; what is missing is told as everywhere."""


class ExtensionRoute(Ours, FileFindHandler):
    """Front ends of widgets; what is missing is told as everywhere."""


class KernelRoute(Ours, APIHandler):
    """What a page may know of its kernel: that it is there."""

    async def get(self, kernel_id: str) -> None:
        """Answer with the kernel's state."""
        if not self.visits.owned(kernel_id, self.visitor) or kernel_id not in self.kernel_manager:
            raise HTTPError(404)
        self.finish(self.kernel_manager.kernel_model(kernel_id))  # type: ignore[no-untyped-call]  # as above, half typed


class ChannelsRoute(Ours, VoilaKernelWebsocketHandler):
    """A page's connection to its own kernel."""

    async def pre_get(self) -> None:
        """Refuse kernels of others, whoever knows their ids."""
        if not self.visits.owned(self.kernel_id, self.visitor):
            raise HTTPError(404)
        await super().pre_get()

    def on_close(self) -> None:
        """End the kernel when its page does not come back."""
        if getattr(self, "connection", None) is not None:
            super().on_close()
        self.kernel_manager.leave(self.kernel_id, GRACE)


class HereRoute(Ours, WebSocketMixin, WebSocketHandler, JupyterHandler):
    """What a page holds on to from its first moment: when it lets go, however that comes about, the page is gone."""

    kernel_id = ""

    async def get(self, kernel_id: str) -> None:
        """Open the connection to those whose kernel it is."""
        if not self.visits.owned(kernel_id, self.visitor):
            raise HTTPError(404)
        self.kernel_id = kernel_id
        await super().get(kernel_id)

    def open(self, *_: Any) -> None:
        """Note that the page is there."""
        super().open()
        self.visits.hold(self.kernel_id, self.rest)

    def rest(self) -> None:
        """Let the page know that its kernel has gone."""
        self.close(RESTS, "the kernel has gone")

    def on_message(self, message: str | bytes) -> None:
        """Take whatever comes as a sign that somebody uses the page; nothing is asked here."""
        cast("VisitorKernels", self.kernel_manager).used(self.kernel_id)

    def on_close(self) -> None:
        """Note that it is gone, and end its kernel when it does not come back."""
        if self.kernel_id:
            self.visits.drop(self.kernel_id, self.rest)
            cast("VisitorKernels", self.kernel_manager).leave(self.kernel_id, GRACE)


class LeaveRoute(Ours, JupyterHandler):
    """What a page that is closed sends behind itself."""

    async def post(self, kernel_id: str) -> None:
        """End the page's own kernel; of any other nothing is said."""
        if self.visits.owned(kernel_id, self.visitor) and kernel_id in self.kernel_manager:
            await self.kernel_manager.shutdown_kernel(kernel_id, now=True)  # type: ignore[no-untyped-call]  # as above, half typed
        self.set_status(204)
        self.finish()


class VisitRoute(RequestHandler):
    """Where a kernel learns whose it is; answered when it is somebody's."""

    async def get(self, secret: str, kernel_id: str) -> None:
        """Answer with the visit."""
        visits: Visits = self.settings["nbregistry_visits"]
        if not hmac.compare_digest(secret.encode(), visits.secret.encode()):
            raise HTTPError(404)
        found = await visits.wait(kernel_id)
        if found is None:
            raise HTTPError(410)
        self.finish(found)


class NothingRoute(Ours, RequestHandler):
    """Every other address."""

    def prepare(self) -> None:
        """Say that nothing is here."""
        raise HTTPError(404)


def written(handler: RequestHandler) -> None:
    """Log a request that went wrong: what was asked without its query, in which people write what they search for."""
    status = handler.get_status()
    if status >= 400:
        tell: Callable[..., None] = LOG.error if status >= 500 else LOG.info
        asked = "(a kernel)" if isinstance(handler, VisitRoute) else handler.request.path
        tell("%d %s %r", status, handler.request.method, asked[:200])
