"""`hee init`: a key, a configuration, and the first event."""

from __future__ import annotations

import click

from hee_monitoring.cli import options


@click.command()
@options.as_json
@options.directory
def init(place: str, as_json: bool) -> None:
    """Make a key, a configuration and the log of this repository.

    Asks nothing and is safe to run again. Writes hee.yaml for you to commit, and nothing else to the worktree.
    """
    from hee_monitoring.workspace import CONFIG, initialize

    terminal = options.terminal(as_json)
    repository, log_id, new, key, written = initialize(place)
    if as_json:
        terminal.json(
            {
                "log": log_id,
                "created": new,
                "key": str(key),
                "config_written": written,
                "repository": str(repository.root or repository.git_dir),
            }
        )
        return
    terminal.status("OK", f"{'created' if new else 'found'} the log {log_id[:12]} on branch hee/log")
    terminal.line(f"  key     {key} (stays outside the repository)")
    terminal.line(f"  config  {CONFIG}{' written, yours to commit' if written else ''}")
    terminal.line()
    if written:
        terminal.line(f"  next: git add {CONFIG} && git commit -m 'Watch this repository with HEE'")
    terminal.line(f"  {'then' if written else 'next'}: hee monitor --once")
