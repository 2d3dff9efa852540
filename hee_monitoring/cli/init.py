"""`hee init`: a key, a configuration, and the first event."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hee_monitoring.cli import options

if TYPE_CHECKING:
    from hee_monitoring.cli.terminal import Terminal
    from hee_monitoring.workspace import Initialized


@click.command()
@click.option(
    *("--root-key", "root_keys"),
    multiple=True,
    metavar="ACTOR=KEY",
    help="One more key that may change keys: its text or its .pub file.",
)
@click.option("--threshold", type=click.IntRange(min=1), default=1, help="How many root keys a change of keys takes.")
@options.as_json
@options.directory
def init(place: str, root_keys: tuple[str, ...], threshold: int, as_json: bool) -> int:
    r"""Make a key, a configuration and the log of this repository.

    Asks nothing and is safe to run again. Writes hee.yaml for you to commit, and nothing else to the worktree. Exits 1
    when the log does not know the key, so that nothing could be recorded with it. The key of this machine is a root
    key; --root-key names more of them, which only counts for a log that is not there yet.

    \b
    Example:
      hee init --root-key human:ada=ada.pub --root-key human:bob=bob.pub --threshold 2
    """
    from hee_monitoring.cli.keys import public_text
    from hee_monitoring.workspace import initialize

    terminal = options.terminal(as_json)
    roots: list[tuple[str, str]] = []
    for word in root_keys:
        actor, equals, key = word.partition("=")
        if not equals:
            raise click.UsageError(f"--root-key {word!a}: expected ACTOR=KEY, for example human:ada=ada.pub")
        roots.append((public_text(key), actor))
    made = initialize(place, roots=roots, threshold=threshold)
    if as_json:
        terminal.json(
            {
                "log": made.log_id,
                "created": made.created,
                "key": str(made.key_path) if made.key_path else None,
                "key_id": made.signer.key_id,
                "actor": made.signer.actor,
                "trusted": made.fault is None,
                "next": made.fault.hint if made.fault else "",
                "config_written": made.config_written,
                "pinned": made.pinned,
                "people": list(made.people),
                "repository": str(made.repository.root or made.repository.git_dir),
            }
        )
    else:
        _tell(terminal, made)
    return 1 if made.fault else 0


def _tell(terminal: Terminal, made: Initialized) -> None:
    from hee_monitoring.workspace import CONFIG

    terminal.status("OK", f"{'created' if made.created else 'found'} the log {made.log_id[:12]} on branch hee/log")
    where = f"{made.key_path} (stays outside the repository)" if made.key_path else "from HEE_SIGNING_KEY"
    terminal.line(f"  key     {made.signer.key_id} as {made.signer.actor}, {where}")
    if not made.people:
        terminal.line(
            "  people  none yet: a person's key ends a freeze and approves (hee keys add … --actor human:NAME)"
        )
    terminal.line(f"  config  {CONFIG}{' written, yours to commit' if made.config_written else ''}")
    if not made.pinned:
        terminal.line()
        terminal.status("WARNING", f"{CONFIG} names no log, so nobody would notice another one in its place")
        terminal.line(f"  next: add these lines to {CONFIG} on the protected branch, and commit it")
        for line in ("hee_monitoring:", "  log:", f'    id: "{made.log_id}"'):
            terminal.line(f"    {line}")
    if made.fault:
        terminal.line()
        terminal.status("WARNING", str(made.fault))
        terminal.line(f"  next: {made.fault.hint}")
        return
    terminal.line()
    if made.config_written:
        terminal.line(f"  next: git add {CONFIG} && git commit -m 'Watch this repository with HEE'")
    terminal.line(f"  {'then' if made.config_written else 'next'}: hee monitor --once")
