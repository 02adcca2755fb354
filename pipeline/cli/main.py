"""The command line: parse, call, print; nothing else."""

from __future__ import annotations

import atexit
import gc
import os
import sys
import traceback
from contextlib import suppress
from importlib import import_module
from typing import Any

import click

from pipeline.base.errors import PipelineError
from pipeline.base.faults import without_store
from pipeline.environment import is_inside

#: In the order of help: what is done every day comes first. Each is a file of ``commands/``.
COMMANDS = (
    "init",
    "build",
    "plan",
    "validate",
    "publish",
    "copy",
    "bisect",
    "list",
    "serve",
    "verify",
    "rollback",
    "report",
    "clean",
    "schema",
    "setup",
    "doctor",
    "scheduler",
    "worker",
)
#: These look after the environment that all others run in, and enter it themselves.
CARETAKERS = ("setup", "clean", "doctor")

# pydantic looks for plug-ins in every installed package as it is imported, here and in the
# processes of steps; there are none.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")


def _reader_left() -> bool:
    """Whether nobody reads what is printed any more."""
    import select

    with suppress(OSError):  # it is no file of the system's
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
        return any(flags & select.POLLERR for _, flags in poll.poll(0))
    return False


class Commands(click.Group):
    """Loads the command that is called; an error is one or two lines without ``--debug``."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except PipelineError as error:
            if context.params.get("debug"):
                traceback.print_exc()
            message = without_store(str(error))
            click.echo(f"{click.style('error:', fg='red', bold=True)} {message}", err=True)
            raise click.exceptions.Exit(error.exit_code) from None
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if isinstance(error, BrokenPipeError) and _reader_left():
                raise  # As in `pipeline list | head -1`: click ends without a word.
            if context.params.get("debug"):
                raise
            first = (without_store(str(error)).strip().splitlines() or [""])[0]
            click.echo(
                f"{click.style('error:', fg='red', bold=True)} {type(error).__name__}: {first}\n"
                "  this is a bug; `pipeline --debug …` shows where",
                err=True,
            )
            raise click.exceptions.Exit(1) from None
        except KeyboardInterrupt:
            click.echo("Interrupted. Finished steps are kept: the same command resumes.", err=True)
            raise click.exceptions.Exit(130) from None

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(context, args)
        is_run = not context.resilient_parsing and not {*context.help_option_names} & {*rest}
        if is_run and name not in CARETAKERS and not is_inside():
            from pipeline.environment.enter import hand_over

            hand_over(sys.argv[1:])
        return name, command, rest

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = import_module(f"pipeline.cli.commands.{name}").command
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="model-pipeline")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def main(debug: bool) -> None:
    """Gets machine-learning models into browsers: optimized, proved, published.

    \b
    Examples:
      pipeline init model.onnx
      pipeline build configs/mobilenet.yaml
      pipeline plan configs/mobilenet.yaml
      pipeline build configs/mobilenet.yaml --set publish.channel=stable
      pipeline doctor
    """
    # All is let go at the end: to look beforehand for what could be takes longer than some builds.
    atexit.register(gc.freeze)


if __name__ == "__main__":
    sys.exit(main())
