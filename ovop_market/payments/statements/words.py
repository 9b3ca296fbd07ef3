"""By which words banks name the columns of a statement. Pure data, and how it is looked up."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum


class Role(StrEnum):
    """What a column is. DETAIL continues the description; MARK says whether AMOUNT is in or out."""

    DATE = "date"
    DESCRIPTION = "description"
    DETAIL = "detail"
    AMOUNT = "amount"
    MARK = "mark"
    CREDIT = "credit"
    DEBIT = "debit"
    BALANCE = "balance"


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_IN = _set("kredit credit cr k c masuk pemasukan deposit penerimaan incoming")
_OUT = _set("debet debit db dr d keluar pengeluaran withdrawal penarikan outgoing")
_BALANCE = _set("saldo balance")
_MARK = _set("jenis tipe type mark tanda dk dbcr crdb drcr dc cd")
_AMOUNT = _set("jumlah mutasi amount nominal nilai value total")
_DATE = _set("tanggal tgl date postdate hari waktu")
_DESCRIPTION = _set(
    "keterangan uraian description desc deskripsi desk remark remarks berita narasi narrative "
    "transaksi transaction rincian detail details particulars catatan note pesan"
)
_DETAIL = _set("additional tambahan referensi reference ref remark2 lanjutan pengirim sender")
# Of several columns with the same role the one without these words is the better one.
_SECOND = _set(
    "valuta val value efektif effective no nomor kode code id cabang branch jam time waktu"
)
# Words with which a row begins that sums up and is no movement itself.
SUMS = _set(
    "saldo total mutasi jumlah balance opening closing beginning ending awal akhir subtotal"
)

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_WORD = re.compile(r"[^\W_]+")


def words(name: str) -> list[str]:
    """The words of a column's name: `MUTASI_DEBET`, `PostDate` and `Db/Cr` have two each."""
    return [word.lower() for word in _WORD.findall(_CAMEL.sub(" ", name))]


def role(name: str) -> Role | None:
    """What a column of this name is, if any of its words says so."""
    found = frozenset(words(name))
    if found & _BALANCE:
        return Role.BALANCE
    if found & _IN and found & _OUT:
        return Role.MARK
    if found & _DATE:
        return Role.DATE
    if found & _IN:
        return Role.CREDIT
    if found & _OUT:
        return Role.DEBIT
    if found & _MARK:
        return Role.MARK
    if found & _DETAIL:
        return Role.DETAIL
    if found & _DESCRIPTION:
        return Role.DESCRIPTION
    return Role.AMOUNT if found & _AMOUNT else None


def roles(header: Sequence[str]) -> Mapping[Role, int]:
    """The column of each role, the best where several could be. A second description is a detail;
    an amount is not looked for where money in and money out have columns of their own."""
    named: dict[Role, list[int]] = {}
    for at, name in enumerate(header):
        of = role(name)
        if of is not None:
            named.setdefault(of, []).append(at)
    for found in named.values():
        found.sort(key=lambda at: (bool(_SECOND & set(words(header[at]))), at))
    spare = named.get(Role.DESCRIPTION, [])[1:]
    named[Role.DETAIL] = [*(at for at in spare if _plain(header[at])), *named.get(Role.DETAIL, [])]
    best = {of: found[0] for of, found in named.items() if found}
    if Role.DESCRIPTION not in best and Role.DETAIL in best:
        best[Role.DESCRIPTION] = best.pop(Role.DETAIL)
    if Role.CREDIT in best:
        best.pop(Role.AMOUNT, None)
        best.pop(Role.MARK, None)
    return best


def _plain(name: str) -> bool:
    return not _SECOND & set(words(name))


def is_header(cells: Sequence[str]) -> bool:
    """Whether a row names at least a day and an amount, and holds no figures of its own."""
    if sum(any(map(str.isdigit, cell)) for cell in cells) > 1:
        return False
    found = roles(cells)
    return Role.DATE in found and bool({Role.AMOUNT, Role.CREDIT, Role.DEBIT} & found.keys())


def sums_up(cells: Sequence[str]) -> bool:
    """Whether a row sums up (opening balance, totals) instead of telling a movement."""
    first = next((cell for cell in cells if cell), "")
    return bool(SUMS & set(words(first)[:2]))
