"""What a program that runs for a repository can see and touch: its environment, and the walls around it.

Responsible for building an environment from nothing, for naming the places that hold people's secrets, and for the
command line that puts a program behind namespaces. Running it, and finding out what this machine allows, is `sandbox`'s.

Invariant: nothing that looks like a credential is ever copied from the caller's environment, with or without network.
"""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_TABLES = ("open", "layers", "hidden")
# Tools that keep their runtimes in the user's home and look for them through these variables.
_TOOLCHAINS = {
    "PYENV_ROOT": ".pyenv", "RUSTUP_HOME": ".rustup", "NVM_DIR": ".nvm", "RBENV_ROOT": ".rbenv", "NODENV_ROOT": ".nodenv",
    "VOLTA_HOME": ".volta", "SDKMAN_DIR": ".sdkman", "ASDF_DATA_DIR": ".asdf", "JAVA_HOME": "", "GOROOT": "", "MISE_DATA_DIR": "",
}  # fmt: skip
# What a package manager needs to reach its registry from behind a proxy or a private certificate authority.
_NETWORK = re.compile(
    r"(?:SSL_CERT_(?:FILE|DIR)|NIX_SSL_CERT_FILE|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|NODE_EXTRA_CA_CERTS|PIP_\w+|UV_\w+"
    r"|NPM_CONFIG_\w+|YARN_\w+|GOPROXY|GONOSUMDB|GONOPROXY|GOSUMDB|CARGO_(?:HTTP|NET|REGISTRIES)_\w+"
    r"|(?:HTTPS?|ALL|NO|FTP)_PROXY)",
    re.IGNORECASE,
)
_SECRET = re.compile(r"TOKEN|SECRET|PASSW|PASSPHRASE|KEY|AUTH|CREDENTIAL|COOKIE|^GIT_|^HEE_|^SSH_", re.IGNORECASE)
_USERINFO = re.compile(r"//[^/\s@]+@")
# Where people keep keys and logins, below their home; the first is this program's own.
_PRIVATE = (
    ".config/hee", ".local/share/hee", ".ssh", ".gnupg", ".aws", ".azure", ".config/gcloud", ".config/gh", ".config/hub", ".config/git/credentials",
    ".config/containers", ".config/op", ".config/sops", ".docker", ".kube", ".netrc", ".git-credentials", ".npmrc", ".yarnrc.yml",
    ".pypirc", ".config/pip", ".pip", ".cargo/credentials.toml", ".cargo/credentials", ".gem/credentials", ".m2/settings.xml",
    ".gradle/gradle.properties", ".terraform.d", ".terraformrc", ".vault-token", ".password-store", ".mozilla", ".config/google-chrome",
    ".config/act", ".actrc", ".local/share/keyrings", ".bash_history", ".zsh_history", ".python_history",
)  # fmt: skip
_SOCKETS = ("/var/run/docker.sock", "/run/docker.sock", "/run/podman/podman.sock", "/run/containerd/containerd.sock")
_SESSION = ("gnupg", "keyring", "bus", "ssh-agent.socket", "ssh-agent", "gcr")
# Mounting, devices, modules, the clock, tracing others: what would let a root job take the walls down.
_DROPPED = (
    "sys_admin", "sys_module", "sys_rawio", "sys_boot", "sys_time", "sys_ptrace", "mknod", "mac_admin", "mac_override",
    "audit_control", "net_admin", "syslog", "linux_immutable",
)  # fmt: skip
_PSEUDO = frozenset(
    {
        "proc", "sysfs", "devtmpfs", "devpts", "tmpfs", "cgroup", "cgroup2", "mqueue", "securityfs", "debugfs", "tracefs",
        "pstore", "bpf", "configfs", "fusectl", "autofs", "hugetlbfs", "binfmt_misc", "efivarfs", "ramfs", "nsfs", "rpc_pipefs",
    }
)  # fmt: skip
_SCRATCH = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - shared scratch space stays writable, as everywhere
LARGEST_FILE = 4 * 1024**3
LEAST_MEMORY = 4 * 1024**3  # what a compiler needs; a process may have this, and three quarters of a larger machine


@dataclass(frozen=True, slots=True)
class Walls:
    """What this machine lets us build. `prefix` begins the command line; `layers` says that throw-away layers work."""

    unshare: str
    setpriv: str
    mount: str
    shell: str
    ip: str = ""
    user: bool = False
    network: bool = True
    layers: bool = True

    def command(self, script: str, argv: Sequence[str], *, network: bool) -> list[str]:
        """The command line that runs `argv` behind the walls after `script` has built them."""
        user = ["--user", "--map-current-user", "--keep-caps"] if self.user else []
        net = [] if network else ["--net"]
        return [
            self.setpriv, "--pdeathsig", "KILL", "--",
            self.unshare, *user, *net, "--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc", "--",
            self.shell, "-c", script, "sandbox", *argv,
        ]  # fmt: skip

    def script(self, plan: Plan) -> str:
        """The shell script that mounts, makes the flag when all holds, and then runs its arguments."""
        quote = shlex.quote
        lines = [
            "set -e",
            f"{self.mount} -a -T {quote(str(plan.table('open')))}",
            f"{self.mount} -a -T {quote(str(plan.table('layers')))} 2>/dev/null || :",
            f"{self.mount} -a -T {quote(str(plan.table('hidden')))}",
            *(
                f"{self.mount} -o remount,bind,ro {quote(p)}{'' if p == '/' else ' 2>/dev/null || :'}"
                for p in plan.mounts
            ),
            f"{quote(self.ip)} link set lo up 2>/dev/null || :" if self.ip else "",
            f"cd {quote(str(plan.cwd))}",
            f": >{quote(str(plan.flag))}",
            "set +e",
            limits(),
            # Says nothing itself from here on, not even "Killed"; the program gets the error output back.
            "exec 9>&2 2>/dev/null",
            f'(exec {quote(self.setpriv)} --no-new-privs {self.drop} -- "$@" 2>&9 9>&-)',
            # This shell stays the first process of its namespace and collects orphans. The program may have removed the flag.
            f"code=$?; mkdir -p {quote(str(plan.home))}; (: >{quote(str(plan.flag))}); exit $code",
        ]
        return "\n".join(line for line in lines if line)

    @property
    def drop(self) -> str:
        """The options that take away what could undo the walls."""
        if self.user:
            return "--inh-caps=-all --ambient-caps=-all --bounding-set=-all"
        return f"--bounding-set={','.join(f'-{name}' for name in _DROPPED)}"


@dataclass(frozen=True, slots=True)
class Plan:
    """One program's place: what is covered, what it writes (no mounts named: everywhere), and where the flag appears.

    `shared` is scratch space, `writable` stays open wherever it lies, `read_only` closes places inside either; `layers`
    take writes and are thrown away, and what is `hidden` lies over all of it.
    """

    cwd: Path
    home: Path
    flag: Path
    hidden: tuple[Path, ...] = ()
    shared: tuple[Path, ...] = ()
    writable: tuple[Path, ...] = ()
    read_only: tuple[Path, ...] = ()
    layers: tuple[Path, ...] = ()
    mounts: tuple[str, ...] = ()

    def table(self, kind: str) -> Path:
        """Where a table of mounts is written: `open`, then `layers`, which may fail, then `hidden`, which lies over both."""
        return self.flag.with_name(f"{self.flag.name}.{kind}")

    def build(self, *, user: bool) -> None:
        """Writes the tables and makes the directories of the layers; `user` is for a user namespace."""
        rows = [(place, place, "none", "rbind") for place in (*self.shared, *self.writable)]
        # Recursive, so that a writable place inside a closed one stays: `ro` holds for the uppermost mount alone.
        rows += [(place, place, "none", "rbind,ro") for place in self.read_only]
        hidden = [
            (Path("tmpfs"), place, "tmpfs", "size=16k,mode=0700,ro")
            if place.is_dir()
            else (Path("/dev/null"), place, "none", "bind")
            for place in self.hidden
        ]
        layers = []
        for number, place in enumerate(self.layers):
            below = self.home / ".layers" / str(number)
            if set(",:\\\"'") & {*str(place), *str(below)}:  # they separate directories and options; it stays read-only
                continue
            for part in ("up", "work"):
                (below / part).mkdir(parents=True, exist_ok=True)
            options = f"lowerdir={place},upperdir={below / 'up'},workdir={below / 'work'}{',userxattr' if user else ''}"
            layers.append((Path("overlay"), place, "overlay", options))
        for name, table in zip(_TABLES, (rows, layers, hidden), strict=True):
            self.table(name).write_text(_table(table), encoding="utf-8", errors="surrogateescape")

    def clear(self) -> None:
        """Removes the flag and the tables."""
        for place in (self.flag, *(self.table(name) for name in _TABLES)):
            place.unlink(missing_ok=True)


def _table(rows: Iterable[tuple[Path, Path, str, str]]) -> str:
    """Rows as fstab(5) has them, where blanks and backslashes are written in octal."""
    octal = {ord(sign): f"\\{ord(sign):03o}" for sign in " \t\n\\#"}
    return "".join(f"{' '.join(str(field).translate(octal) for field in row)} 0 0\n" for row in rows)


def limits() -> str:
    """Shell commands: no core files, no file beyond 4 GiB, bounded memory, and for people (not root) no endless forking."""
    processes = "" if os.geteuid() == 0 else "; ulimit -S -u 8192 2>/dev/null"
    return f"ulimit -c 0; ulimit -f {LARGEST_FILE // 512}; ulimit -d {memory() // 1024} 2>/dev/null{processes}"


def memory() -> int:
    """The bytes of data that one process may have."""
    return max(LEAST_MEMORY, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4 * 3)


def environment(outside: Mapping[str, str], *, home: Path, path: str, network: bool) -> dict[str, str]:
    """The environment of a program, from nothing: no credentials, nothing of git's, nothing that says CI."""
    real_home = outside.get("HOME", "")
    env = {
        "PATH": path,
        "HOME": str(home),
        "TMPDIR": str(home / "tmp"),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "TERM": "dumb",
        "SHELL": "/bin/sh",
        "GIT_TERMINAL_PROMPT": "0",
    }
    for name in ("USER", "LOGNAME"):
        if name in outside:
            env[name] = outside[name]
    for name, below in _TOOLCHAINS.items():
        value = outside.get(name) or (str(Path(real_home) / below) if real_home and below else "")
        if value and os.access(value, os.X_OK):
            env[name] = value
    if network:
        env |= {
            name: value
            for name, value in outside.items()
            if _NETWORK.fullmatch(name) and not _SECRET.search(name) and not _USERINFO.search(value)
        }
    return env


def search_path(outside: Mapping[str, str], last: str) -> str:
    """The caller's PATH without relative entries, then the directory `last`."""
    entries = [entry for entry in outside.get("PATH", os.defpath).split(os.pathsep) if entry.startswith("/")]
    return os.pathsep.join(dict.fromkeys([*entries, last]))


def private_places(outside: Mapping[str, str], more: Iterable[Path] = ()) -> tuple[Path, ...]:
    """The places with people's secrets that exist on this machine, links resolved, none inside another."""
    home = Path(outside.get("HOME") or "/nonexistent")
    own = [
        Path(outside[name], *below)
        for name, *below in (("HEE_HOME", "keys"), ("XDG_DATA_HOME", "hee"))
        if outside.get(name)
    ]
    found = [
        *own,
        *(home / place for place in _PRIVATE),
        *(Path(socket) for socket in _SOCKETS),
        *agents(outside),
        *more,
    ]
    return outermost(place for place in found if os.access(place, os.R_OK))  # what can't be read needs no cover


def agents(outside: Mapping[str, str]) -> tuple[Path, ...]:
    """The sockets behind which somebody's keys are unlocked: agents of ssh and gpg, keyrings, the bus that leads to them."""
    named = [Path(outside["SSH_AUTH_SOCK"])] if outside.get("SSH_AUTH_SOCK", "").startswith("/") else []
    session = Path(outside.get("XDG_RUNTIME_DIR") or f"/run/user/{os.geteuid()}")
    return (*named, *Path("/tmp").glob("ssh-*/agent.*"), *(session / name for name in _SESSION))  # noqa: S108 - where OpenSSH puts it


def throw_away_places(outside: Mapping[str, str], more: Iterable[str], keep: Iterable[Path]) -> tuple[Path, ...]:
    """Prefixes of the programs on PATH that the caller could write: a job installs packages there, and must not.

    A prefix that holds a place of `keep` is left out, since a layer would cover it, and so is one with a mount inside.
    """
    names = [
        Path(entry).parent for entry in search_path(outside, "/usr/bin").split(os.pathsep) if entry.endswith("/bin")
    ]
    names += [Path(value) for value in (outside.get("PYENV_ROOT", ""), *more) if value.startswith("/")]
    kept = [place.resolve() for place in keep] + [Path(point) for point, _ in mount_points()]
    home = Path(outside.get("HOME") or "/nonexistent").resolve()
    return outermost(
        name
        for name in (name.resolve() for name in names)
        if name not in (Path("/"), home)
        and os.access(name, os.W_OK | os.X_OK)
        and not any(p.is_relative_to(name) for p in kept)
    )


def mount_points() -> tuple[tuple[str, str], ...]:
    """Mounted places and the types of their file systems, from the kernel."""
    text = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
    found = []
    for line in text.splitlines():
        left, _, right = line.partition(" - ")
        place = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), left.split(" ")[4])
        found.append((place, right.split(" ")[0]))
    return tuple(found)


def scratch() -> tuple[Path, ...]:
    """The shared scratch directories of this machine, which stay writable for everyone."""
    return tuple(Path(place) for place in _SCRATCH if Path(place).is_dir())


def closed_mounts(writable: Iterable[Path]) -> tuple[str, ...]:
    """The real file systems to make read-only, the root last; scratch space and what the caller writes stay open."""
    open_places = {*_SCRATCH, *(str(place) for place in writable)}
    points = {point for point, kind in mount_points() if kind not in _PSEUDO and point not in open_places}
    return (*sorted(points - {"/"}, reverse=True), "/")


def outermost(places: Iterable[Path]) -> tuple[Path, ...]:
    """The places without those that lie inside another, in order."""
    kept: list[Path] = []
    for place in sorted({place.resolve() for place in places}, key=lambda place: len(place.parts)):
        if not any(place.is_relative_to(other) for other in kept):
            kept.append(place)
    return tuple(kept)
