"""Voila without what a page for strangers must not have: one notebook, our routes, our kernels, our template."""

from __future__ import annotations

import logging
import os
import re
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, cast

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop, PeriodicCallback
from tornado.netutil import bind_sockets
from tornado.web import RedirectHandler, StaticFileHandler
from traitlets.config import Config
from voila.app import Voila
from voila.paths import collect_static_paths, collect_template_paths
from voila.static_file_handler import MultiStaticFileHandler
from voila.utils import get_voila_labextensions_path

from nbregistry.browser import hub
from nbregistry.browser.channels import VisitorChannels
from nbregistry.browser.entrance import Entrance
from nbregistry.browser.hub import CallbackRoute, HubDoor, HubIdentity
from nbregistry.browser.identity import Guests
from nbregistry.browser.kernels import ALLOWED, VisitorKernels
from nbregistry.browser.provider import VisitorIdentity
from nbregistry.browser.routes import (
    ChannelsRoute,
    ExtensionRoute,
    HereRoute,
    KernelRoute,
    LeaveRoute,
    NothingRoute,
    PageRoute,
    ThemeRoute,
    VisitRoute,
    written,
)
from nbregistry.browser.surroundings import CALLBACK, Surroundings
from nbregistry.browser.visits import Visits
from nbregistry.config import child_environment
from nbregistry.serving.door import Door
from nbregistry.serving.options import Options

HERE = Path(__file__).resolve().parent
_KERNEL = r"(?P<kernel_id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
_MIB = 1024 * 1024
# A page of ours has no script and no style in its markup that its author did not put into a file of ours; whatever
# markup might one day slip through the escaping, it can run nothing and fetch nothing.
_POLICY = (
    "default-src 'none'; script-src 'self' blob:; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " font-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'self'; base-uri 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be started.

    Attributes
    ----------
    notebook : Path
        In a folder that holds nothing else.
    run : Path
        A private folder for connection files, which nothing serves.
    registry : str
        Where the kernels find it.
    names : tuple of str
        What the server may be called by besides the names of loopback.
    four_eyes : bool
        Whether whoever proposed a version is refused as its approver.
    pool : int
        Kernels started before anybody comes.
    most : int
        Visitors at once.
    idle : int
        Seconds after which a kernel that does nothing is ended, its page's connection or not.
    withheld : frozenset of str
        Environment variables that no kernel gets.
    base : str
        The path below which everything lies, for browsers too; it begins and ends with a slash.
    hub : Surroundings or None
        The hub that signs people in.
    """

    notebook: Path
    run: Path
    registry: str
    guests: Guests
    host: str = "127.0.0.1"
    port: int = 0
    names: tuple[str, ...] = ()
    four_eyes: bool = False
    pool: int = 1
    most: int = 20
    idle: int = 120
    withheld: frozenset[str] = field(default_factory=frozenset)
    base: str = "/"
    hub: Surroundings | None = None


class OwnPython(KernelSpecManager):
    """Kernels of the Python that runs the server, whatever other kernels its user has installed."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Return the only kernel there is."""
        argv = [
            sys.executable, "-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f", "{connection_file}",
            "--HistoryManager.enabled=False", "--IPKernelApp.log_level=40",
        ]  # fmt: skip
        return KernelSpec(argv=argv, language="python", display_name="Python 3", name=kernel_name)

    def find_kernel_specs(self) -> dict[str, str]:
        """Return its name."""
        return {"python3": ""}


class RegistryVoila(Voila):
    """The server; ``plan`` is set before ``initialize``, ``ready`` is called when it listens."""

    plan: Plan
    ready: Callable[[int], None]

    def setup_template_dirs(self) -> None:
        """Find our template where the package lies; what it does not have comes from Voila's own."""
        apps = ["voila", "nbconvert"]
        self.template_paths = [str(HERE / "templates" / "nbregistry"), *collect_template_paths(apps, "lab", prune=True)]
        self.static_paths = collect_static_paths(apps, "lab")

    def init_settings(self) -> dict[str, Any]:
        """Settle who is let in, and what kernels are told."""
        settings: dict[str, Any] = super().init_settings()
        plan = self.plan
        self._sockets = bind_sockets(plan.port, plan.host)
        self.port = self._sockets[0].getsockname()[1]
        visits = Visits(plan.most, own=not plan.four_eyes)
        kernels: VisitorKernels = self.kernel_manager
        kernels.visits = visits
        kernels.allowed_message_types = list(ALLOWED)
        kernels.withheld = plan.withheld | {"VOILA_REQUEST_URL", "QUERY_STRING"}
        own = f"http://{_reached(plan.host)}:{self.port}{plan.base}-/visit/{visits.secret}"
        kernels.given = child_environment(
            NBREGISTRY_URI=plan.registry, NBREGISTRY_VISIT=own, IPYTHONDIR=str(plan.run / "ipython"),
        )  # fmt: skip
        for name in kernels.withheld:
            kernels.given.pop(name, None)
        identity: VisitorIdentity = self.identity_provider
        identity.guests = plan.guests
        if plan.hub is not None:
            cast("HubIdentity", identity).door = HubDoor(plan.hub, plan.guests, plan.base)
        return {
            **settings,
            "headers": _HEADERS,
            "log_function": written,
            "default_handler_class": NothingRoute,
            "nbregistry_visits": visits,
            "nbregistry_port": self.port,
            "websocket_max_message_size": _MIB,
            "mathjax_url": "",  # its plug-in says so in the console, and fetches nothing from elsewhere
            "ws_ping_timeout": 30_000,
        }

    def init_handlers(self) -> list[Any]:
        """Return every route there is; Voila's for files, folders and contents are left out."""
        labextensions = get_voila_labextensions_path(self.voila_configuration.extra_labextensions_path)
        themes = {
            "themes_url": f"{self.plan.base}voila/api/themes", "path": self.themes_dir,
            "labextensions_path": labextensions, "no_cache_paths": ["/"],
        }  # fmt: skip
        page = {
            "notebook_path": self.plan.notebook.name, "template_paths": self.template_paths, "config": self.config,
            "voila_configuration": self.voila_configuration,
        }  # fmt: skip
        routes: list[tuple[Any, ...]] = [
            (rf"/api/kernels/{_KERNEL}", KernelRoute),
            (rf"/api/kernels/{_KERNEL}/channels", ChannelsRoute),
            (rf"/voila/api/shutdown/{_KERNEL}", LeaveRoute),
            (rf"/-/visit/([\w-]+)/{_KERNEL}".replace("(?P<kernel_id>", "("), VisitRoute),
            (rf"/-/here/{_KERNEL}", HereRoute),
            (r"/-/static/(.*)", StaticFileHandler, {"path": str(HERE / "static")}),
            (r"/voila/templates/lab/static/(.*)", MultiStaticFileHandler, {"paths": self.static_paths}),
            (r"/voila/static/(.*)", MultiStaticFileHandler, {"paths": self.static_paths}),
            (r"/voila/api/themes/(.*)", ThemeRoute, themes),
            (r"/voila/labextensions/(.*)", ExtensionRoute, {"path": labextensions, "no_cache_paths": ["/"]}),
            (r"/()", PageRoute, page),
        ]
        if self.plan.hub is not None:
            routes.append((f"/{CALLBACK}", CallbackRoute))
        return below(self.plan.base, routes)

    def listen(self) -> None:
        """Listen behind the entrance until the process is told to end."""
        plan = self.plan
        door = Door(Options(port=self.port, hosts=(*plan.names, *_own_name(plan.host, self.port))))
        server = HTTPServer(Entrance(self.app, door), max_body_size=_MIB, max_header_size=64 * 1024)
        server.add_sockets(self._sockets)
        self.ioloop = IOLoop.current()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._handle_signal_stop)
        self.ioloop.add_callback(self.ready, self.port)
        if isinstance(self.identity_provider, HubIdentity):
            PeriodicCallback(partial(self.identity_provider.watch, self.kernel_manager), hub.EVERY * 1000).start()
        try:
            self.ioloop.start()
        finally:
            server.stop()
            self.stop()

    def stop(self) -> None:
        """End every kernel; what they kept on disk goes with the private folder."""
        self.ioloop.run_sync(self.kernel_manager.end_all)


def below(base: str, routes: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Return routes below a path; the path without its last slash leads to the page too."""
    root = re.escape(base.removesuffix("/"))
    found = [(root + pattern, *rest) for pattern, *rest in routes]
    return [*found, (root, RedirectHandler, {"url": base, "permanent": False})] if root else found


def serve(plan: Plan, ready: Callable[[int], None]) -> None:
    """Run the server until the process is told to end.

    Raises
    ------
    OSError
        The address cannot be listened on.
    """
    logging.getLogger("traitlets").setLevel(logging.ERROR)
    app = RegistryVoila(config=_config(plan))
    app.plan, app.ready = plan, ready
    RegistryVoila._instance = app
    Voila._instance = app
    try:
        app.initialize([])
        app.start()
    finally:
        RegistryVoila.clear_instance()


def _config(plan: Plan) -> Config:
    return Config(
        {
            "Voila": {
                "config_file_paths": [], "open_browser": False, "log_level": logging.ERROR, "ip": plan.host,
                "notebook_path": str(plan.notebook), "root_dir": str(plan.notebook.parent),
                "connection_dir_root": str(plan.run),
                "identity_provider_class": HubIdentity if plan.hub else VisitorIdentity,
                "cookie_secret": os.urandom(32), "kernel_websocket_connection_class": VisitorChannels,
                "base_url": plan.base, "server_url": plan.base,
            },
            "VoilaConfiguration": {
                "template": "nbregistry", "allow_template_override": "NO", "allow_theme_override": "NO",
                "show_tracebacks": False, "strip_sources": True, "preheat_kernel": plan.pool > 0,
                "default_pool_size": plan.pool, "file_allowlist": [], "multi_kernel_manager_class": VisitorKernels,
                "kernel_spec_manager_class": OwnPython,
                "extension_allowlist": [
                    "@jupyter-widgets/jupyterlab-manager", "@voila-dashboards/widgets-manager8", "anywidget",
                ],
            },
            "VoilaExecutor": {"cell_error_instruction": "The server's log says more."},
            "VoilaKernelManager": {"fill_delay": 0.2},
            "MappingKernelManager": {
                "cull_idle_timeout": plan.idle, "cull_interval": max(1, plan.idle // 4), "cull_connected": True,
                "cull_busy": True, "buffer_offline_messages": False,
            },
        }
    )  # fmt: skip


def _reached(host: str) -> str:
    """Return by which address a kernel on this machine reaches the server."""
    if host in ("", "0.0.0.0", "::"):  # noqa: S104 - compared, not listened on
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _own_name(host: str, port: int) -> tuple[str, ...]:
    """Return the name that listening on one address gives; listening on all of them gives none."""
    return () if host in ("", "0.0.0.0", "::", "localhost") else (f"{_reached(host)}:{port}",)  # noqa: S104 - as above
