"""The commands of CONTRACT.md: `flask --app wsgi …`."""

from __future__ import annotations

import sys
import time

import click
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext
from flask_migrate import upgrade

from ovop_market.accounts.models import Role, User
from ovop_market.core import clock
from ovop_market.core.errors import ConfigurationError
from ovop_market.extensions import db

# Bangka Barat: the regency of the programme, and so of its officials, unless another is named.
HOME = "19.05"

seed = AppGroup("seed", help="Demo data and bulk data.")
reach = AppGroup("reach", help="The rollup that officials read.")
ledger = AppGroup("ledger", help="The book of all money.")
stock = AppGroup("stock", help="Ready stock and weekly capacity.")
users = AppGroup("users", help="Accounts.")
points = AppGroup("collection-points", help="Places where buyers fetch their orders.")
regions = AppGroup("regions", help="Areas of Indonesia.")


@click.command("prepare")
@with_appcontext
def prepare() -> None:
    """Everything before serving: migrations, regions and, outside production, the demo."""
    from ovop_market.regions import services as region_services

    begun = time.monotonic()
    upgrade()
    count = region_services.load(db.session())
    db.session.commit()
    if count:
        click.echo(f"{count} regions loaded ({time.monotonic() - begun:.0f} s)")
    if not current_app.config["OVOP"].in_production:
        _plant_demo()
    click.echo(f"ready after {time.monotonic() - begun:.0f} s")


def _plant_demo() -> None:
    """Plants what is missing of the demo: all of it, or the pictures that an interruption left."""
    from ovop_market.seeds import demo

    if not demo.is_present(db.session()):
        demo.plant(db.session(), clock.now(), say=click.echo, pictures=False)
    demo.hang_pictures(db.session(), say=click.echo)


@regions.command("load")
def load_regions() -> None:
    """Loads areas and postal codes; does nothing when they are up to date."""
    from ovop_market.regions import services

    count = services.load(db.session())
    db.session.commit()
    click.echo(f"{count} regions loaded" if count else "regions are up to date")


@seed.command("demo")
def seed_demo() -> None:
    """Plants the demo, once. Refused in production."""
    if current_app.config["OVOP"].in_production:
        raise click.ClickException("the demo has no place in production")
    _plant_demo()
    click.echo("the demo is there")


@seed.command("scale")
@click.option("--villages", type=click.IntRange(1, 5_000), required=True)
@click.option("--products", type=click.IntRange(1, 100_000), required=True)
@click.option("--orders", type=click.IntRange(0, 5_000_000), required=True)
@click.option("--seed", "seed_", type=int, default=1)
def seed_scale(villages: int, products: int, orders: int, seed_: int) -> None:
    """Adds synthetic bulk data. Refused in production."""
    from ovop_market.seeds import scale

    if current_app.config["OVOP"].in_production:
        raise click.ClickException("synthetic data has no place in production")
    scale.plant(
        db.session(), clock.now(), villages=villages, products=products, orders=orders, seed=seed_
    )


@reach.command("rebuild")
def reach_rebuild() -> None:
    """Recomputes the rollup from the orders."""
    from ovop_market.reach import services

    rows = services.rebuild(db.session())
    db.session.commit()
    click.echo(f"{rows} rows")


@reach.command("settle")
@click.option("--all", "every", is_flag=True, help="All years, whether they have changed or not.")
def reach_settle(every: bool) -> None:
    """Decides what is shown of each year that has changed. The worker does it by itself."""
    from ovop_market import jobs
    from ovop_market.reach import settling

    if every:
        settling.forget(db.session())
        db.session.commit()
    report = jobs.run(current_app._get_current_object(), jobs.REACH)  # type: ignore[attr-defined]
    click.echo(f"{report.counts['settled']} years")
    if report.failed:
        raise SystemExit(1)


@reach.command("verify")
def reach_verify() -> None:
    """Exits with 1 and says where, if the rollup differs from the orders, or what is stored from
    what would be decided."""
    from ovop_market.jobs import reading
    from ovop_market.reach import services, settling

    found = list(services.differences(db.session()))
    db.session.rollback()
    # To decide all years takes a while: nobody shall wait for it.
    with reading():
        found += settling.differences(db.session())
    _report(found)


@ledger.command("verify")
def ledger_verify() -> None:
    """Exits with 1 and says where, if the ledger is not whole or anything disagrees with it."""
    from ovop_market.payments.queries import books

    _report(list(books.differences(db.session())))


@ledger.command("balances")
def ledger_balances() -> None:
    """Prints what there is (bank, gateway, cash) and what is owed, by the book, in rupiah."""
    from ovop_market.payments.queries import balances

    for kind, amount in balances.by_kind(db.session()).items():
        click.echo(f"{kind:<10}{amount:>16,}".replace(",", "."))


@stock.command("verify")
def stock_verify() -> None:
    """Exits with 1 and says where, if stock or capacity disagrees with its movements."""
    from ovop_market.orders import queries

    _report(list(queries.stock_differences(db.session())))


def _report(differences: list[str]) -> None:
    for line in differences:
        click.echo(line)
    if differences:
        sys.exit(1)
    click.echo("everything agrees")


@users.command("create")
@click.option("--role", type=click.Choice([str(role) for role in Role]), required=True)
@click.option("--login", required=True, help="E-mail address or telephone number.")
@click.option("--name", default="", help="How the person is called; the login if not given.")
@click.option("--region", default=None, help=f"An official's regency or province ({HOME}).")
def create_user(role: str, login: str, name: str, region: str | None) -> None:
    """Creates an account; the password is read from the terminal or standard input."""
    from ovop_market.accounts import services
    from ovop_market.core.errors import MarketError

    if sys.stdin.isatty():
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        password = sys.stdin.readline().rstrip("\n")
    try:
        services.register(
            db.session(),
            login=login,
            password=password,
            name=name or login,
            role=Role(role),
            now=clock.now(),
            region_code=region or (HOME if role == Role.OFFICIAL else None),
            # Whoever has the machine vouches for the address.
            verified=True,
        )
    except MarketError as error:
        raise click.ClickException(error.message) from None
    db.session.commit()
    click.echo(f"{role} {login}")


@users.command("password-link")
@click.option("--login", required=True, help="E-mail address or telephone number.")
def password_link(login: str) -> None:
    """Makes a link, good for a day and once, with which a new password is set."""
    from ovop_market.accounts import recovery
    from ovop_market.notices.texts import Links

    token = recovery.reset_link(db.session(), _account(login), None, clock.now())
    db.session.commit()
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    links = Links(app, app.config["OVOP"].public_url, "id")
    click.echo(links.to("accounts.new_password", token=token))


@users.command("clear-second-factor")
@click.option("--login", required=True, help="E-mail address or telephone number.")
def clear_second_factor(login: str) -> None:
    """Takes the second factor from an account whose owner has lost phone and paper."""
    from ovop_market.accounts import second_factor

    second_factor.clear(db.session(), _account(login), None, clock.now())
    db.session.commit()
    click.echo(f"{login} signs in by the password alone")


def _account(login: str) -> User:
    from ovop_market.accounts import services

    user = services.user_of(db.session(), login)
    if user is None:
        raise click.ClickException("there is no such account")
    return user


@points.command("add")
@click.option("--slug", required=True, help="Its name in addresses: jebus.")
@click.option("--name", required=True, help="Its name on the screen.")
@click.option("--region", required=True, help="Kemendagri code of where it stands.")
@click.option("--address", required=True)
@click.option("--hours", required=True, help="When it is open, in words.")
@click.option("--serves", required=True, help="Code of the area whose producers deliver there.")
def add_point(slug: str, name: str, region: str, address: str, hours: str, serves: str) -> None:
    """Adds a place where buyers fetch their orders."""
    from ovop_market.core.errors import MarketError
    from ovop_market.delivery import services

    try:
        services.add_collection_point(
            db.session(),
            slug=slug,
            name=name,
            region_code=region,
            address=address,
            hours=hours,
            serves=serves,
            now=clock.now(),
        )
    except MarketError as error:
        raise click.ClickException(error.message) from None
    db.session.commit()
    click.echo(f"collection point {slug}")


@click.command("worker")
@with_appcontext
def worker() -> None:
    """Runs what is due, over and over, until it is told to stop (SIGTERM, Ctrl-C)."""
    # What it takes besides (huey, a client of Redis) is nothing to a server.
    from ovop_market import worker as queue
    from ovop_market.operations import starting

    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    try:
        starting.check(app)
    except ConfigurationError as error:
        raise click.ClickException(f"the worker does not start: {error}") from None
    queue.run(app)


@click.command("tick")
@with_appcontext
def tick() -> None:
    """Does everything that is due, once, and says what. Exits with 1 if something failed."""
    from ovop_market import jobs

    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    reports = {job.name: jobs.run(app, job) for job in jobs.JOBS}
    for name, report in reports.items():
        done = ", ".join(f"{count} {what}" for what, count in sorted(report.counts.items()))
        click.echo(f"{name}: {done or 'nothing'}")
    if any(report.failed for report in reports.values()):
        raise SystemExit(1)


def init_app(app: Flask) -> None:
    """Adds the commands."""
    for command in (prepare, seed, reach, ledger, stock, users, points, regions, worker, tick):
        app.cli.add_command(command)
