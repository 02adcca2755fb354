"""The engines beside Chromium: what is there, and Debian's packages of what is not.

``python -m pipeline.backends.web.optional`` installs them where it may, and says what it left out.

A machine may lack them. Then ``all`` leaves them out and says so, and only a config that names
one of them needs it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.backends.web import system
from pipeline.backends.web.engine import Engine, engines

#: Whether a package is to be had: Ubuntu has no firefox-esr, and its firefox is a snap.
_SHOW = ("apt-cache", "show", "--no-all-versions")


def list_optional() -> list[Engine]:
    """The engines that name their packages, which is all but Chromium."""
    return [engine for engine in engines().values() if engine.packages]


def describe_engine(engine: Engine) -> str | None:
    """Where an engine is and what it says of itself; ``None`` where it cannot run."""
    path = engine.find()
    if path is None or engine.unavailable():
        return None
    # MiniBrowser tells its version on a display only.
    version = system.version(path)
    return f"{path} ({version})" if version else str(path)


def mend(engine: Engine) -> str:
    """The command that installs an engine by hand, or what to do where Debian's is not at hand."""
    if shutil.which("apt-get"):
        return f"sudo apt-get install --no-install-recommends {' '.join(engine.packages)}"
    return engine.elsewhere


def install_all() -> Iterator[str]:
    """Install every engine that is missing and may be installed; one line about each."""
    privilege = system.privilege()
    for engine in list_optional():
        if there := describe_engine(engine):
            yield f"{engine.name}: {there}"
        elif reason := _install(engine.packages, privilege):
            yield f"{engine.name}: not installed, {reason}; to have it: {mend(engine)}"
        elif there := describe_engine(engine):
            yield f"{engine.name}: installed {there}"
        else:
            why = engine.unavailable()
            yield f"{engine.name}: installed, but {why}; to have it: {mend(engine)}"


#: With which the published snippet for nginx is tested. Its tests are skipped where it is missing.
NGINX = ("nginx", "libnginx-mod-http-brotli-static")


def install_nginx() -> str:
    """Install nginx for the tests where nothing starts it as a service; one line about it."""
    if shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin"):
        return "nginx: there"
    todo = f"to have it: sudo apt-get install --no-install-recommends {' '.join(NGINX)}"
    if Path("/run/systemd/system").exists():
        # Debian's package would serve on port 80 from then on: not what a set-up is run for.
        return f"nginx: not installed, systemd would start it; only tests need it; {todo}"
    if reason := _install(NGINX, system.privilege()):
        return f"nginx: not installed, {reason}; only tests need it; {todo}"
    return "nginx: installed, for the tests"


def _install(packages: Sequence[str], privilege: list[str] | None) -> str | None:
    """Install Debian packages; why not, or ``None``."""
    if shutil.which("apt-get") is None:
        return "this system has no apt-get"
    if privilege is None:
        return "neither root nor sudo without a password"
    apt = [*privilege, "apt-get", "-q", "-y"]
    if failure := system.run_all([[*apt, "update"]]):
        return failure
    absent = [name for name in packages if system.run_all([[*_SHOW, name]])]
    if absent:
        return f"this system has no package {' and no '.join(absent)}"
    return system.run_all([[*apt, "install", "--no-install-recommends", *packages]])


if __name__ == "__main__":
    for line in install_all():
        print(line, flush=True)
    print(install_nginx())
