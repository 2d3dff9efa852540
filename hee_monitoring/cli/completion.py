"""`hee completion`: what a shell needs to complete commands and options."""

from __future__ import annotations

import click

from hee_monitoring.cli import options


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@options.as_json
def completion(shell: str, as_json: bool) -> None:
    r"""Print the completion script of a shell.

    \b
    Examples:
      hee completion bash > ~/.local/share/bash-completion/completions/hee
      hee completion zsh
      hee completion fish > ~/.config/fish/completions/hee.fish
    """
    from click.shell_completion import get_completion_class

    from hee_monitoring.cli.main import hee

    terminal = options.terminal(as_json)
    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - the three are click's own
    text = kind(hee, {}, "hee", "_HEE_COMPLETE").source()
    if as_json:
        terminal.json({"shell": shell, "script": text})
    terminal.exact(text.rstrip("\n"))
