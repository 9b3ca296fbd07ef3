"""The map of Indonesia as tiles of one size: our own layout, so that small provinces stay visible.

Columns run from west to east, rows from north to south; neighbours are neighbours where it can be.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tile:
    """Where a province stands, and its name in at most four letters."""

    column: int
    row: int
    short: str


# By Kemendagri code.
TILES: dict[str, Tile] = {
    # Sumatra
    "11": Tile(0, 0, "Aceh"),
    "12": Tile(1, 1, "Smut"),
    "14": Tile(2, 1, "Riau"),
    "21": Tile(3, 1, "Kpri"),
    "13": Tile(1, 2, "Smbr"),
    "15": Tile(2, 2, "Jmbi"),
    "19": Tile(3, 2, "Bbl"),
    "17": Tile(1, 3, "Bkl"),
    "16": Tile(2, 3, "Smsl"),
    "18": Tile(2, 4, "Lpg"),
    # Java, and the islands east of it
    "36": Tile(2, 5, "Btn"),
    "31": Tile(3, 5, "Jkt"),
    "32": Tile(3, 6, "Jbr"),
    "33": Tile(4, 5, "Jtg"),
    "34": Tile(4, 6, "DIY"),
    "35": Tile(5, 6, "Jtm"),
    "51": Tile(6, 6, "Bali"),
    "52": Tile(7, 6, "NTB"),
    "53": Tile(8, 6, "NTT"),
    # Kalimantan
    "65": Tile(5, 0, "Kltr"),
    "61": Tile(4, 1, "Klbr"),
    "64": Tile(5, 1, "Kltm"),
    "62": Tile(4, 2, "Kltg"),
    "63": Tile(5, 2, "Klsl"),
    # Sulawesi
    "75": Tile(7, 1, "Gor"),
    "71": Tile(8, 1, "Slut"),
    "72": Tile(7, 2, "Sltg"),
    "76": Tile(6, 3, "Slbr"),
    "73": Tile(6, 4, "Slsl"),
    "74": Tile(7, 3, "Sltr"),
    # Maluku
    "82": Tile(9, 1, "Mlut"),
    "81": Tile(9, 3, "Mal"),
    # Papua
    "96": Tile(10, 1, "PBD"),
    "92": Tile(10, 2, "PBar"),
    "91": Tile(11, 2, "Papu"),
    "94": Tile(10, 3, "PTgh"),
    "95": Tile(11, 3, "PPeg"),
    "93": Tile(11, 4, "PSel"),
}
COLUMNS = 1 + max(tile.column for tile in TILES.values())
ROWS = 1 + max(tile.row for tile in TILES.values())
