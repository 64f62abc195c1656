"""Run every check from nothing: make an environment, bring a browser where that is possible, then pytest.

    python3 tests/run.py [arguments for pytest]

Standard library only, so that a fresh clone and a Python are enough. The environment ``.venv-test`` is made once and
again whenever ``pyproject.toml`` or the Python changes; the JupyterLab front end, which needs Node.js, is built into it
and again whenever its sources change. The static checks (ruff, mypy, import-linter) are tests
themselves, so the last line, which is pytest's, counts everything.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv-test"
FRONT_END = ROOT / "nbregistry" / "labext"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
IN_CI = bool(os.environ.get("CI"))


def say(text: str) -> None:
    print(f"==> {text}", flush=True)


def venv_python(venv: Path) -> Path:
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def ensure_environment(venv: Path, *wanted: str) -> Path:
    """Make an environment that holds us, editable, and ``wanted``, unless a good one is there; return its Python."""
    python = venv_python(venv)
    base = os.path.realpath(sys.executable)  # not a link in the very environment that is made anew
    facts = (sys.version, base, str(ROOT), (ROOT / "pyproject.toml").read_text("utf-8"))
    stamp, made_from = hashlib.sha256("\0".join(facts + wanted).encode()).hexdigest(), venv / "made-from"
    if made_from.is_file() and made_from.read_text("utf-8") == stamp:
        say(f"environment: {venv.name} is up to date")
        return python
    say(f"environment: making {venv.name} (a minute or two, once)")
    started = time.monotonic()
    shutil.rmtree(venv, ignore_errors=True)
    if subprocess.run([base, "-m", "venv", str(venv)], check=False).returncode:
        sys.exit("No virtual environment could be made. On Debian and Ubuntu: apt-get install python3-venv")
    install(venv, *wanted)
    made_from.write_text(stamp, "utf-8")
    say(f"environment: made in {time.monotonic() - started:.0f} s")
    return python


def install(venv: Path, *wanted: str) -> None:
    """Install into an environment, and note which front end is in it."""
    # Python compiles what is imported; compiling all that is installed takes as long as a good part of the tests.
    pip = [str(venv_python(venv)), "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-compile"]
    if subprocess.run([*pip, *wanted], cwd=ROOT, check=False).returncode:
        sys.exit(f"The environment {venv.name} could not be installed; pip says why above.")
    (venv / "front-end").write_text(front_end(), "utf-8")


def front_end() -> str:
    """Return a digest of what the JupyterLab front end is made of, and of whether it can be made."""
    tops = (path for path in FRONT_END.iterdir() if path.name not in ("node_modules", "lib", "__pycache__"))
    files = (file for top in tops for file in (top.rglob("*") if top.is_dir() else (top,)) if file.is_file())
    found = hashlib.sha256(str(shutil.which("npm")).encode())
    for file in sorted(files):
        found.update(file.relative_to(FRONT_END).as_posix().encode() + b"\0" + file.read_bytes())
    return found.hexdigest()


def ensure_front_end(venv: Path) -> None:
    """Install again where the front end's sources changed, and say so where it is missing: pip hides who said it."""
    noted = venv / "front-end"
    if not noted.is_file() or noted.read_text("utf-8") != front_end():
        say("front end: changed, so it is built and installed again")
        install(venv, "--no-deps", "-e", ".")
    if (venv / "share" / "jupyter" / "labextensions" / "nbregistry-labext" / "package.json").is_file():
        say("front end: the JupyterLab sidebar is installed")
    else:
        node = "IT COULD NOT BE BUILT (pip install -v -e . says why)" if shutil.which("npm") else "NO NODE.JS FOUND"
        say(f"front end: {node}: THE JUPYTERLAB SIDEBAR IS LEFT OUT, and its browser tests will be SKIPPED")


def find_browser() -> str | None:
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def as_root() -> list[str] | None:
    """Return what to put before a command so that it runs as root without asking, or None."""
    if not hasattr(os, "geteuid"):
        return None
    if os.geteuid() == 0:
        return []
    if (
        shutil.which("sudo")
        and subprocess.run(["sudo", "-n", "true"], check=False, capture_output=True).returncode == 0
    ):
        return ["sudo", "-n"]
    return None


def ensure_system_tools() -> None:
    """Bring Chromium (browser tests) and strace (fault tests) with apt-get where that needs no password."""
    missing = [name for name, found in (("chromium", find_browser()), ("strace", shutil.which("strace"))) if not found]
    root = as_root()
    if missing and sys.platform == "linux" and shutil.which("apt-get") and root is not None:
        say(f"system: installing {' and '.join(missing)} with apt-get")
        apt = [*root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
        subprocess.run([*apt, "update"], check=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        for name in missing:  # one by one: that one is not to be had must not cost the other
            subprocess.run(
                [*apt, "install", "-y", "--no-install-recommends", name],
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
    if browser := find_browser():
        say(f"system: browser {browser}")
    else:
        fate = "will FAIL, since this is CI" if IN_CI else "will be SKIPPED"
        say(f"system: NO CHROMIUM FOUND: THE BROWSER TESTS {fate}")
    if not shutil.which("strace"):
        say("system: NO STRACE FOUND: the fault tests that need it will be SKIPPED")


def begin_reading(python: Path) -> subprocess.Popen[bytes]:
    """Have mypy read every library beside the first tests, so that the test that asks it finds its cache filled."""
    polite = ["nice", "-n", "15"] if shutil.which("nice") else []
    command = [*polite, str(python), "-m", "mypy"]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, cwd=ROOT, stdin=quiet, stdout=quiet, stderr=quiet)


def main() -> int:
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        sys.exit(f"Python 3.11 to 3.13 is needed; this is {sys.version.split()[0]} ({sys.executable}).")
    python = ensure_environment(VENV, "-e", ".[test]")
    ensure_front_end(VENV)
    ensure_system_tools()
    say("tests: pytest; ruff, mypy and import-linter are among them")
    environment = os.environ | {"PATH": f"{python.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    everything = all(argument.startswith("-") for argument in sys.argv[1:])
    reading = begin_reading(python) if everything else None
    command = [str(python), "-m", "pytest", *sys.argv[1:]]
    try:
        return subprocess.run(command, cwd=ROOT, env=environment, check=False, stdin=subprocess.DEVNULL).returncode
    finally:
        if reading is not None:
            reading.terminate()


if __name__ == "__main__":
    sys.exit(main())
