"""`courtyard`, the operators' door: the list of commands, and how an outcome becomes an exit status.

Each command lives in `node/commands/` and is imported when it is asked for: `courtyard run` must stay light.
Exit status: 0 done, 1 refused or failed (one line on stderr says why), 2 wrong use.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

import click

from node.commands.output import Refused
from node.version import VERSION

# Command, module in node/commands, short help: so that `--help` loads nothing either.
COMMANDS = {
    "run": ("running", "Set up and run the whole node; Ctrl-C stops it."),
    "web": ("running", "Run the web server alone."),
    "worker": ("running", "Run one worker: deliveries and inbound effects."),
    "scheduler": ("running", "Run what happens by the clock."),
    "migrate": ("running", "Bring the database to this version's tables."),
    "settings": ("inspection", "Show every setting, where it comes from and what it means."),
    "doctor": ("inspection", "Check that the node is well, and say what to do."),
    "member": ("members", "Add, list, suspend or remove members; change a role."),
    "token": ("members", "Print an access token for the client API."),
    "peer": ("peers", "Decide about other servers; import and export lists."),
    "mode": ("policy", "Set the federation mode: closed, selective or open."),
    "explain": ("policy", "Say whether something would leave or enter, and why."),
    "rules": ("rules", "Hold or keep back posts by their content; see earlier versions of the rules."),
    "brake": ("brake", "Stop what leaves, in all or in part, and let it go again."),
    "ledger": ("ledger", "Check, ask and export the record of what left."),
    "seed": ("samples", "Make lifelike sample content for demos and measuring."),
}


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command `cmd_name`, an attribute of its module with that name."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"node.commands.{COMMANDS[cmd_name][0]}")
        command = getattr(module, cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_text) for name, (_, help_text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--data", "data_dir", metavar="DIR", help="The data folder, in place of COURTYARD_DATA.")
@click.version_option(VERSION, prog_name="courtyard")
@click.pass_context
def courtyard(context: click.Context, data_dir: str | None) -> None:
    """Run and look after a Courtyard node.

    Settings are COURTYARD_* variables, in the environment or in .env in the data folder: see `courtyard settings`.
    """
    context.obj = data_dir


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and end the process with its status."""
    sys.exit(execute(sys.argv[1:] if arguments is None else arguments))


def execute(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status; what is refused goes to stderr in one line."""
    try:
        outcome = courtyard.main(list(arguments), prog_name="courtyard", standalone_mode=False)
    except click.UsageError as error:
        error.show(sys.stderr)
        return 2
    except click.Abort:
        click.echo("courtyard: stopped", err=True)
        return 1
    except (click.ClickException, Refused) as error:
        click.echo(f"courtyard: {error}", err=True)
        return 1
    return outcome if isinstance(outcome, int) else 0
