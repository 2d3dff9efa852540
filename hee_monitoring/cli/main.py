"""The command `hee`: which commands there are, and how an error becomes an exit status.

0 fine, 1 findings, 2 could not do it, 130 interrupted. A command's module is imported only when it runs.
"""

from __future__ import annotations

import sys
from importlib import import_module

import click

# name -> (module, attribute, one line of help)
COMMANDS = {
    "init": ("init", "init", "Make a key, a configuration and the log of this repository."),
    "monitor": ("monitor", "monitor", "Watch the CI: detect, explain, decide, repair, record."),
    "serve": ("serve", "serve", "Show in a browser how things stand; take GitHub's webhooks."),
    "tokens": ("tokens", "tokens", "Which token is in use, what it may do, who allowed that, and how old it is."),
    "explain": ("explain", "explain", "Say why a log is red, with the line that proves it."),
    "fix": ("fix", "fix", "Repair what may be repaired, and prove it."),
    "log": ("log", "log", "List the events."),
    "show": ("log", "show", "Show one event whole."),
    "state": ("state", "state", "Show the state capsule, now or at any earlier point."),
    "diff": ("diff", "diff", "Show what changed between two points, and the events that changed it."),
    "verify": ("verify", "verify", "Check every byte, signature and projection of the log."),
    "prove": ("prove", "prove", "Write an offline proof that an event is in the log."),
    "sync": ("sync", "sync", "Bring this log and that of a remote together."),
    "checkpoint": ("prove", "checkpoint", "Print the log's signed checkpoint, to keep elsewhere."),
    "witness": ("witness", "witness", "Cosign a log from elsewhere, and remember what it said."),
    "reanchor": ("reanchor", "reanchor", "Take over a log whose commits were rewritten."),
    "revert": ("revert", "revert", "Undo what one event did, by further events."),
    "restore": ("revert", "restore", "Put a capsule file back to what the log says."),
    "points": ("points", "points", "The points to return to, and those that people sealed."),
    "rollback": ("state", "rollback", "Make an earlier point's state the present one."),
    "alerts": ("alerts", "alerts", "What people must be told, who was told, and who sees to it."),
    "decide": ("decide", "decide", "Record a decision that later repairs must respect."),
    "decisions": ("decisions", "decisions", "List, explain and relate the decisions of the log."),
    "approve": ("approve", "approve", "Let a repair happen that waits for a person (a person's key only)."),
    "freeze": ("state", "freeze", "Stop repairs and monitoring until a person ends it."),
    "unfreeze": ("state", "unfreeze", "End a freeze (a person's key only)."),
    "capsule": ("capsule", "capsule", "Render, validate, import, export and publish state capsules."),
    "report": ("report", "report", "What happened, how it was repaired, and how the targets are met."),
    "export": ("export", "export", "The log as CloudEvents, in-toto statements or Prometheus metrics."),
    "governance": ("governance", "governance", "Check a repository against the rules."),
    "gates": ("gates", "gates", "Evaluate the quality gates and the compliance matrix, and record them."),
    "maintain": ("maintain", "maintain", "Do what the maintenance schedule says is due, and record it."),
    "patterns": ("patterns", "patterns", "List, show, test and learn failure patterns."),
    "seal": ("seal", "seal", "Record what only its recipients can read."),
    "unseal": ("seal", "unseal", "Read the sealed fields of an event."),
    "redact": ("seal", "redact", "Make sealed fields unreadable for ever; every proof still holds."),
    "recipients": ("recipients", "recipients", "Who can read what is sealed."),
    "vault": ("vault", "vault", "The shares of sealed payloads on this machine."),
    "keys": ("keys", "keys", "Where the key is, and whom the log trusts."),
    "mcp": ("mcp", "mcp", "Let an agent read what stands, record a decision, and ask for a review."),
    "schema": ("schema", "schema", "The JSON Schema of a command's document, of a file, or of an event."),
    "completion": ("completion", "completion", "Print what a shell needs to complete commands and options."),
    "doctor": ("doctor", "doctor", "Find what is missing and say how to get it."),
    "demo": ("demo", "demo", "Show the whole loop on a real broken pipeline."),
}
# How the help groups them: what a person wants to do, in the order of a first use.
SECTIONS = {
    "Begin": ("init", "doctor", "demo", "completion", "mcp", "schema"),
    "Watch, explain, repair": ("monitor", "serve", "explain", "fix", "approve", "alerts", "patterns"),
    "Read the record": ("log", "show", "state", "diff", "report", "export", "capsule"),
    "Judge": ("governance", "gates", "decide", "decisions", "maintain"),
    "Prove and share": ("verify", "prove", "checkpoint", "witness", "sync", "reanchor"),
    "Go back, or stop": ("points", "rollback", "revert", "restore", "freeze", "unfreeze"),
    "Keys and secrets": ("keys", "tokens", "seal", "unseal", "redact", "recipients", "vault"),
}


class Lazy(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of a first use."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports one command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(f"hee_monitoring.cli.{module}"), attribute)
        _keep_lines(command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Lists the commands without importing one of them."""
        del ctx
        for title, names in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, COMMANDS[name][2]) for name in names], col_max=12)


def _keep_lines(command: click.Command) -> None:
    """Lets examples in a help text stand as written: click asks for a backspace there, which a raw docstring spells out."""
    command.help = (command.help or "").replace("\\b\n", "\b\n")
    for each in command.commands.values() if isinstance(command, click.Group) else ():
        _keep_lines(each)


def _version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        import hee_core
        import hee_governance
        import hee_monitoring

        click.echo(
            f"hee: core {hee_core.__version__}, governance {hee_governance.__version__}, "
            f"monitoring {hee_monitoring.__version__}"
        )
        ctx.exit(0)


@click.group(cls=Lazy, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-C", "directory", default=".", metavar="DIR", help="The repository (default: here).")
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the versions."
)
@click.pass_context
def hee(ctx: click.Context, directory: str) -> int:
    """The flight recorder and autopilot for CI.

    Watches the CI of a repository, explains every failure with the line that proves it, decides under written rules
    whether it may repair it, repairs it in isolation, proves the repair by running the failed job again, and records
    all of it as signed events in the branch hee/log. Without a command it says how things stand, and what to do next.
    """
    ctx.obj = directory
    if ctx.invoked_subcommand is None:
        from hee_monitoring.cli.overview import show
        from hee_monitoring.cli.terminal import Terminal

        return show(directory, Terminal())
    return 0


def main(arguments: list[str] | None = None) -> None:
    """Runs the command line and exits."""
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None, command: click.Command | None = None) -> int:
    """Runs a command line, of `hee` or of another command of this package, and returns its exit status."""
    from hee_monitoring.cli.terminal import Terminal

    asked = command or hee
    try:
        result = asked.main(args=arguments, prog_name=asked.name, standalone_mode=False, obj=".")
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 0
    except click.ClickException as error:
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        Terminal().error("interrupted: nothing is left half done", "run the same command again to go on")
        return 130
    except (
        SystemExit
    ) as end:  # click makes one of every broken pipe, whosever it was, with 1; and with 0 after completing words
        if end.code == 0 or _reader_left():
            return 0  # that a reader goes is its right
        Terminal().error("a program that hee talked to ended too early", "run the same command again")
        return 2
    except Exception as error:
        from hee_core.errors import HeeError

        if not isinstance(error, HeeError):
            raise
        Terminal().error(str(error), error.hint)
        return 2
    return result if isinstance(result, int) else 0


def _reader_left() -> bool:
    """Whether nobody reads our output any more."""
    from select import POLLERR, poll

    asked = poll()
    asked.register(1, 0)
    return any(what & POLLERR for _, what in asked.poll(0))


if __name__ == "__main__":
    main()
