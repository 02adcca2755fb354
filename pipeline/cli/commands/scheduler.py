"""`pipeline scheduler` starts what workers and builds of a cluster meet at."""

from __future__ import annotations

import click

#: Seconds after which a worker that says nothing is taken for dead.
SILENT_S = 30.0


@click.command("scheduler")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="The address to listen on. Whoever reaches it can run code on every worker: a private "
    "network, or tls:// (docs/cluster.md).",
)
@click.option("--port", default=8786, show_default=True, help="The port; 0 for a free one.")
@click.option("--dashboard", is_flag=True, help="Show Dask's dashboard, where bokeh is installed.")
@click.option(
    "--silent",
    "silent_s",
    default=SILENT_S,
    show_default=True,
    type=click.FloatRange(min=1),
    metavar="SECONDS",
    help="A worker that says nothing for so long is taken for dead: its steps run elsewhere.",
)
def command(host: str, port: int, dashboard: bool, silent_s: float) -> None:
    """Start the Dask scheduler of a cluster, and run until it is ended.

    \b
    Examples:
      pipeline scheduler --host 10.0.0.1
      pipeline worker tcp://10.0.0.1:8786 --store s3://bucket/store
      pipeline build configs/*.yaml --on tcp://10.0.0.1:8786 --store s3://bucket/store
    """
    from pipeline.engine.lanes.cluster.scheduler import serve

    address = host if "://" in host else f"tcp://{host}"
    serve(f"{address}:{port}", silent_s, click.echo, dashboard=dashboard)
