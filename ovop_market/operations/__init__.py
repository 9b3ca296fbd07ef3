"""What keeps the market running: backups, the checks before serving, figures for monitors."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Adds the commands and /metrics."""
    from ovop_market.operations import commands, metrics

    metrics.init_app(app)
    for command in (commands.backup, commands.restore, commands.error_pages):
        app.cli.add_command(command)
