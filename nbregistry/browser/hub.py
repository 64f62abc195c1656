"""Visitors whom JupyterHub signs in: OAuth as the hub offers it to its services, by JupyterHub's own client.

The hub's token of a visitor stays in this process; a browser gets a random name for it in a signed cookie. Who somebody
is, and whether the service may be used, is asked of the hub again and again: who signs out there is out here too.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
import time
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.auth.identity import User
from jupyter_server.base.handlers import JupyterHandler
from tornado.httputil import url_concat
from tornado.web import HTTPError, RequestHandler

from nbregistry.browser import notices
from nbregistry.browser.identity import Guests, Visitor
from nbregistry.browser.provider import VisitorIdentity
from nbregistry.browser.routes import Ours
from nbregistry.browser.surroundings import CALLBACK, Surroundings

if TYPE_CHECKING:
    from nbregistry.browser.kernels import VisitorKernels

FRESH = 10.0
"""Seconds in which what the hub said is believed again."""
EVERY = 10.0
"""Seconds between two questions whether those whose pages are open are still signed in."""
LATEST = 40.0
"""Seconds in which somebody is believed without the hub, which may be starting again."""
_PATIENCE = 10.0  # seconds for an answer of the hub
_KEPT = 7 * 24 * 3600.0  # seconds after which somebody who did not come back is forgotten
_T = TypeVar("_T")


@dataclass(slots=True)
class Login:
    """Somebody whom the hub signed in.

    Attributes
    ----------
    hub_session : str
        The hub's own name for the browser's session, which it ends when the user signs out.
    confirmed : float
        When the hub was last asked, in seconds of ``time.monotonic``.
    """

    token: str
    hub_session: str
    visitor: Visitor
    confirmed: float


class HubDoor:
    """The way in through a hub.

    Parameters
    ----------
    base : str
        The path below which everything lies.
    """

    def __init__(self, told: Surroundings, guests: Guests, base: str) -> None:
        from jupyterhub.services.auth import HubOAuth

        self._guests, self._logins = guests, dict[str, Login]()
        self._oauth: Any = HubOAuth(
            api_url=told.api_url, api_token=told.token, base_url=base, hub_host=told.hub_host,
            hub_prefix=told.hub_prefix, oauth_client_id=told.client, access_scopes=set(told.scopes),
            oauth_redirect_uri=told.callback or f"{base}{CALLBACK}", cookie_options={"samesite": "Lax"},
        )  # fmt: skip

    def address(self, handler: RequestHandler, after: str) -> str:
        """Return where the hub signs people in; its answer is taken from this browser only.

        Parameters
        ----------
        after : str
            The path to go on to, which is kept here and not told to anybody.
        """
        extra, told = {}, {}
        if getattr(self._oauth, "pkce_enabled", False):  # since JupyterHub 6; RFC 7636
            extra["code_verifier"], told["code_challenge"], told["code_challenge_method"] = (
                self._oauth.generate_pkce_code_challenge()
            )
        told["state"] = self._oauth.set_state_cookie(handler, next_url=after, **extra)
        return url_concat(self._oauth.login_url, told)

    async def enter(self, handler: RequestHandler) -> tuple[Visitor | None, str]:
        """Return whom the hub sends back, None when the service is not theirs to use, and where they were going.

        Raises
        ------
        HTTPError
            403: the answer does not belong to a question that this browser was sent with. 503: the hub is silent.
        """
        oauth = self._oauth
        state, code = (handler.get_query_argument(name, "") for name in ("state", "code"))
        kept = handler.get_signed_cookie(oauth.get_state_cookie_name(state)) if state else None
        if not code or not kept or not hmac.compare_digest(state.encode(), kept):
            raise HTTPError(403)
        after: str = oauth.get_next_url(state)
        verifier = getattr(oauth, "get_code_verifier", lambda _: None)(state)
        oauth.clear_oauth_state(state)
        oauth.clear_oauth_state_cookies(handler)
        extra = {"code_verifier": verifier} if verifier else {}
        asked, hub_session = time.monotonic(), oauth.get_session_id(handler)
        token = await _answered(oauth.token_for_code(code, sync=False, **extra))
        found = await self._who(token, hub_session, secrets.token_hex(16))
        if found is not None:
            self._logins = {name: login for name, login in self._logins.items() if asked - login.confirmed < _KEPT}
            self._logins[found.session] = Login(token, hub_session, found, asked)
        return found, after

    async def visitor(self, session: str, *, fresh: float | None = None) -> Visitor | None:
        """Return who a session is, if the hub still says so.

        Raises
        ------
        HTTPError
            503: the hub has been silent for too long.
        """
        login, asked = self._logins.get(session), time.monotonic()
        if login is None:
            return None
        if asked - login.confirmed < (FRESH if fresh is None else fresh):
            return login.visitor
        try:
            found = await self._who(login.token, login.hub_session, session)
        except HTTPError:
            if asked - login.confirmed < LATEST:
                return login.visitor
            raise
        if found != login.visitor:
            self._logins.pop(session, None)
            return None
        login.confirmed = asked
        return found

    async def _who(self, token: str, hub_session: str, session: str) -> Visitor | None:
        told = await _answered(
            self._oauth.user_for_token(token, use_cache=False, session_id=hub_session, sync=False)
        )  # fmt: skip
        if not isinstance(told, dict) or told.get("kind") != "user" or not isinstance(told.get("scopes"), list):
            return None
        found = self._guests.named(str(told.get("name", "")))
        if found is None or not self._oauth.check_scopes(self._oauth.access_scopes, told):
            return None
        return replace(found, session=session)


async def _answered(question: Awaitable[_T]) -> _T:
    """Wait for the hub's answer; whatever keeps it from answering is told as one thing."""
    try:
        return await asyncio.wait_for(question, _PATIENCE)
    except (HTTPError, TimeoutError, KeyError) as error:
        raise HTTPError(503) from error


class HubIdentity(VisitorIdentity):
    """Knows visitors by the hub.

    Attributes
    ----------
    door : HubDoor
        Set by the application before the first request.
    """

    door: HubDoor

    async def get_user(self, handler: RequestHandler) -> User | None:
        """Return who asks, or None."""
        session = self.session(handler)
        found = await self.door.visitor(session) if session else None
        handler.visitor = found  # type: ignore[attr-defined]  # the place where our routes find it
        return None if found is None else User(username=found.session, name=found.name)

    def elsewhere(self, handler: RequestHandler, after: str) -> str:
        """Return where strangers are sent."""
        return self.door.address(handler, after)

    async def watch(self, kernels: VisitorKernels) -> None:
        """End the pages of those who are signed in no more."""
        held = kernels.visits.sessions()
        sessions = sorted(set(held.values()))
        still = await asyncio.gather(*(self._still(session) for session in sessions))
        gone = {session for session, here in zip(sessions, still, strict=True) if not here}
        for kernel, session in held.items():
            if session in gone and kernel in kernels:
                await kernels.shutdown_kernel(kernel, now=True)  # type: ignore[no-untyped-call]  # Jupyter's is half typed

    async def _still(self, session: str) -> bool:
        try:
            return await self.door.visitor(session, fresh=EVERY / 2) is not None
        except HTTPError:
            return False


class CallbackRoute(Ours, JupyterHandler):
    """Where the hub sends people back to."""

    @allow_unauthenticated
    async def get(self) -> None:
        """Let in whom the hub has signed in, and go on to what was asked for."""
        identity = cast("HubIdentity", self.identity_provider)
        self.set_header("Cache-Control", "no-store")
        try:
            found, after = await identity.door.enter(self)
        except HTTPError as error:
            if error.status_code != 403:
                raise
            self._say(notices.UNFINISHED)
            return
        if found is None:
            self._say(notices.OUTSIDE)
            return
        identity.keep(self, found)
        self.redirect(after if after.startswith(self.base_url) else self.base_url, status=303)

    def _say(self, told: tuple[str, str]) -> None:
        self.set_status(403)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(notices.page(*told, root=self.base_url))
