"""Areas of Indonesia with their Kemendagri codes, and what makes them easy to find."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, SmallInteger, String, Text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from ovop_market.extensions.database import Choice, Model, one_of

# Plain words separated by one space. PostgreSQL keeps them as a tsvector, which a GIN index can
# search; SQLite keeps the text, which an FTS5 table indexes (migration 0003).
Words = Text().with_variant(TSVECTOR(), "postgresql")


class RegionKind(StrEnum):
    """What an area is called by law (UU 23/2014, UU 6/2014, UU 2/2021 for Papua)."""

    PROVINSI = "provinsi"
    KABUPATEN = "kabupaten"
    KOTA = "kota"
    KECAMATAN = "kecamatan"
    DISTRIK = "distrik"
    KELURAHAN = "kelurahan"
    DESA = "desa"
    DESA_ADAT = "desa_adat"


class Region(Model):
    """A province (level 1), regency or city (2), district (3) or village (4)."""

    __tablename__ = "region"
    __table_args__ = (
        CheckConstraint("level BETWEEN 1 AND 4", name="level_known"),
        CheckConstraint("(level = 1) = (parent_code IS NULL)", name="parent_given"),
        one_of("kind", RegionKind),
    )

    # Kemendagri: 19, 19.05, 19.05.01, 19.05.01.2006.
    code: Mapped[str] = mapped_column(String(13), primary_key=True)
    parent_code: Mapped[str | None] = mapped_column(ForeignKey("region.code"), index=True)
    level: Mapped[int] = mapped_column(SmallInteger)
    kind: Mapped[RegionKind] = mapped_column(Choice(RegionKind))
    name: Mapped[str] = mapped_column(String(60))
    # The name and those of the areas around it: "Belo Laut, Mentok, Kabupaten Bangka Barat, …".
    path: Mapped[str] = mapped_column(String(200))
    # Villages only.
    postal_code: Mapped[str | None] = mapped_column(String(5), index=True)

    # Level, then code, as a number: the order in which both databases yield candidates.
    sort_key: Mapped[int] = mapped_column(BigInteger, unique=True)
    # The name in plain words ("belo laut"); a city's and regency's without "kota", "kabupaten".
    name_key: Mapped[str] = mapped_column(String(60), index=True)
    # Words by which the area itself is found: name, other names, postal code.
    own_words: Mapped[str] = mapped_column(Words)
    # The same with the words of the areas around it.
    all_words: Mapped[str] = mapped_column(Words)


class RegionAlias(Model):
    """Another name that people type: muntok for Mentok."""

    __tablename__ = "region_alias"

    alias: Mapped[str] = mapped_column(String(60), primary_key=True)
    region_code: Mapped[str] = mapped_column(ForeignKey("region.code"), primary_key=True)


class RegionWord(Model):
    """Every word that occurs in a name, once: what a mistyped word can have meant."""

    __tablename__ = "region_word"

    word: Mapped[str] = mapped_column(String(60), primary_key=True)


class RegionSpelling(Model):
    """A word with one letter left out. Two words that are one typing error apart meet in one."""

    __tablename__ = "region_spelling"

    spelling: Mapped[str] = mapped_column(String(60), primary_key=True)
    word: Mapped[str] = mapped_column(String(60), primary_key=True)


class RegionSource(Model):
    """Which data the tables hold; a single row."""

    __tablename__ = "region_source"
    __table_args__ = (CheckConstraint("id = 1", name="single"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[str] = mapped_column(String(100))
