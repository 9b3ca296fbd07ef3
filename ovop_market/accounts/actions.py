"""What the audit's actions are called on the screen, and what its subjects are: in one place.

`accounts.services.record` takes an action by its code; a guard test finds codes that are not here.
One that is not is shown as it is.
"""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

ACTIONS: dict[str, LazyString] = {
    # Accounts and personal data.
    "account made": _l("Akun dibuat"),
    "account erased": _l("Data akun dihapus"),
    "signed in": _l("Masuk ke akun"),
    "sign-in failed": _l("Gagal masuk"),
    "signed out": _l("Keluar dari akun"),
    "session ended": _l("Satu perangkat dikeluarkan"),
    "sessions ended": _l("Semua perangkat dikeluarkan"),
    "address verified": _l("Alamat email dipastikan"),
    "registration refused": _l("Pendaftaran ditolak"),
    "email change asked": _l("Email baru diminta"),
    "email change withdrawn": _l("Email baru tidak jadi"),
    "email changed": _l("Email diganti"),
    "email removed": _l("Email dihapus"),
    "phone change asked": _l("Nomor HP baru diminta"),
    "phone changed": _l("Nomor HP diganti"),
    "phone removed": _l("Nomor HP dihapus"),
    "login wanted": _l("Email atau nomor akun ini diminta untuk akun lain"),
    "password changed": _l("Kata sandi diganti"),
    "password reset asked": _l("Kata sandi baru diminta"),
    "password link made": _l("Tautan kata sandi baru dibuat"),
    "password reset": _l("Kata sandi baru dibuat lewat tautan"),
    "second factor on": _l("Kode masuk dinyalakan"),
    "second factor off": _l("Kode masuk dimatikan"),
    "second factor cleared": _l("Kode masuk dimatikan pengelola"),
    "recovery codes made": _l("Kode cadangan dibuat"),
    "recovery code used": _l("Kode cadangan dipakai"),
    "code refused": _l("Kode masuk salah"),
    "account disabled": _l("Akun ditutup"),
    "account enabled": _l("Akun dibuka lagi"),
    "role changed": _l("Peran diubah"),
    "invited": _l("Orang diundang"),
    "staff invited": _l("Orang diundang mengurus penjual"),
    "staff left": _l("Berhenti mengurus penjual"),
    "staff removed": _l("Orang dikeluarkan dari penjual"),
    "invitation accepted": _l("Undangan diterima"),
    "invitation withdrawn": _l("Undangan ditarik"),
    "batch done": _l("Tindakan untuk banyak sekaligus"),
    "batch undone": _l("Tindakan untuk banyak dibatalkan"),
    "own data taken": _l("Mengunduh data diri sendiri"),
    "purchase erased": _l("Data pembeli pada pesanan dihapus"),
    "words erased": _l("Kata-kata dan foto bukti lama dihapus"),
    "everybody signed out": _l("Semua akun dikeluarkan"),
    "links renewed": _l("Semua tautan pesanan diganti"),
    "contacts taken": _l("Daftar orang yang harus diberi tahu diambil"),
    "file taken": _l("Berkas diunduh"),
    # Producers and their listing.
    "staff joined": _l("Orang mulai mengurus penjual"),
    "staff role changed": _l("Peran di penjual diubah"),
    "producer applied": _l("Minta menjadi penjual"),
    "producer approved": _l("Penjual disetujui"),
    "producer recalled": _l("Keputusan tentang penjual ditarik"),
    "producer refused": _l("Permintaan menjual ditolak"),
    "producer suspended": _l("Penjual dihentikan sementara"),
    "producer resumed": _l("Penjual boleh berjualan lagi"),
    "listing submit": _l("Produk diajukan untuk diperiksa"),
    "listing approve": _l("Produk disetujui"),
    "listing return": _l("Produk dikembalikan untuk diperbaiki"),
    "listing hide": _l("Produk disembunyikan"),
    "listing recall": _l("Keputusan tentang produk ditarik"),
    "listing reopen": _l("Produk diperiksa lagi"),
    "producer closed": _l("Penjual tutup sementara"),
    "producer opened": _l("Penjual buka lagi"),
    "producer ended": _l("Penjual tutup untuk seterusnya"),
    "membership asked": _l("Minta bergabung dengan kelompok"),
    "membership refused": _l("Permintaan bergabung ditolak"),
    "member joined": _l("Rumah bergabung dengan kelompok"),
    "member left": _l("Rumah keluar dari kelompok"),
    "product made": _l("Produk dibuat"),
    "product changed": _l("Produk diubah"),
    "product ordered": _l("Urutan kemasan diubah"),
    "pack made": _l("Kemasan dan harga dibuat"),
    "pack changed": _l("Kemasan atau harga diubah"),
    "pictures changed": _l("Foto produk diubah"),
    "capacity changed": _l("Kesanggupan per minggu diubah"),
    "capacity planned": _l("Kesanggupan satu minggu diatur"),
    "cash changed": _l("Aturan bayar tunai diubah"),
    "permit changed": _l("Izin dicatat"),
    "permit removed": _l("Izin dihapus"),
    "payout account named": _l("Rekening penjual diganti"),
    "sale noted": _l("Penjualan di luar situs dicatat"),
    "sale withdrawn": _l("Catatan penjualan ditarik"),
    # The programme.
    "designation made": _l("Desa ditetapkan"),
    "stars noted": _l("Bintang dicatat"),
    "baseline entered": _l("Penjualan awal diisi"),
    "flagship chosen": _l("Produk unggulan dipilih"),
    "target set": _l("Sasaran ditetapkan"),
    "visit noted": _l("Kunjungan dicatat"),
    "visit step done": _l("Langkah kunjungan selesai"),
    "visit withdrawn": _l("Catatan kunjungan ditarik"),
    # Delivery.
    "delivery service added": _l("Layanan kirim ditambah"),
    "delivery service changed": _l("Layanan kirim diubah"),
    "tariffs changed": _l("Tarif kirim diubah"),
    "collection point added": _l("Tempat ambil ditambah"),
    "collection point changed": _l("Tempat ambil diubah"),
    "collection point opened": _l("Tempat ambil dibuka"),
    "collection point closed": _l("Tempat ambil ditutup"),
    # Money and messages.
    "payouts made": _l("Pembayaran ke penjual disiapkan"),
    "payouts sent": _l("Pembayaran ke penjual dikirim"),
    "payouts undone": _l("Pembayaran ke penjual dibatalkan"),
    "payouts recalled": _l("Pembayaran ke penjual ternyata belum dikirim"),
    "statement taken in": _l("Mutasi rekening dimasukkan"),
    "line matched": _l("Baris mutasi dicocokkan"),
    "line set aside": _l("Baris mutasi disisihkan"),
    "line reopened": _l("Baris mutasi dibuka lagi"),
    "refund owed": _l("Uang kembali diputuskan"),
    "refund sent": _l("Uang kembali dikirim"),
    "refund recalled": _l("Uang kembali ternyata belum dikirim"),
    "refund withdrawn": _l("Uang kembali tidak jadi"),
    "refund destination named": _l("Pembeli menulis rekening untuk uang kembali"),
    "notice retried": _l("Pesan dicoba kirim lagi"),
    "notice dropped": _l("Pesan gagal ditutup"),
}

# The first words of a subject (`payout batch 7`).
SUBJECTS: dict[str, LazyString] = {
    "user": _l("akun"),
    "producer": _l("penjual"),
    "product": _l("produk"),
    "variant": _l("kemasan"),
    "offer": _l("stok"),
    "purchase": _l("pembelian"),
    "order": _l("pesanan"),
    "payment": _l("pembayaran"),
    "refund": _l("uang kembali"),
    "payout batch": _l("pembayaran penjual"),
    "statement": _l("mutasi"),
    "line": _l("baris mutasi"),
    "notice": _l("pesan"),
    "designation": _l("penetapan"),
    "village": _l("desa"),
    "visit": _l("kunjungan"),
    "reported sale": _l("catatan penjualan"),
    "delivery service": _l("layanan kirim"),
    "tariff import": _l("berkas tarif"),
    "collection point": _l("tempat ambil"),
    "file": _l("berkas"),
    "invitation": _l("undangan"),
    "batch": _l("tindakan sekaligus"),
    "sign-in": _l("halaman masuk"),
}

# What is most often noted with an action; the rest is shown as it was noted.
DETAILS: dict[str, LazyString] = {
    "reason": _l("alasan"),
    "role": _l("peran"),
    "as": _l("sebagai"),
    "from": _l("dari"),
    "to": _l("menjadi"),
    "area": _l("wilayah"),
    "page": _l("halaman"),
    "amount": _l("jumlah"),
    "price": _l("harga"),
    "name": _l("nama"),
    "sessions": _l("perangkat"),
    "left": _l("sisa"),
    "year": _l("tahun"),
    "orders": _l("pesanan"),
    "regencies": _l("kabupaten/kota"),
    "revenue": _l("omzet"),
    "product": _l("produk"),
    "producer": _l("penjual"),
    "group": _l("kelompok"),
    "village": _l("desa"),
    "flagship": _l("produk unggulan"),
    "certificate": _l("sertifikat"),
    "baseline_sales": _l("penjualan awal"),
    "kind": _l("jenis"),
    "number": _l("nomor"),
    "expires_on": _l("berlaku sampai"),
    "packs": _l("bungkus"),
    "week": _l("minggu"),
    "listed": _l("ditampilkan"),
    "sold": _l("dijual"),
    "added": _l("ditambah"),
    "changed": _l("diubah"),
    "removed": _l("dihapus"),
    "new": _l("baru"),
    "matched": _l("cocok"),
    "mode": _l("cara"),
    "topic": _l("pokok"),
    "photos": _l("foto"),
    "slug": _l("alamat"),
    "choices": _l("pilihan"),
    "action": _l("tindakan"),
}
# Those that are whole rupiah.
MONEY = frozenset({"amount", "price", "revenue", "baseline_sales"})

# What was looked at (`accounts.trail.viewed`).
PAGES: dict[str, LazyString] = {
    "inbox": _l("Daftar pesanan masuk"),
    "inbox order": _l("Halaman pesanan penjual"),
    "packing": _l("Daftar kemas"),
    "labels": _l("Label kirim"),
    "desk": _l("Meja kerja"),
    "desk order": _l("Halaman pesanan pengelola"),
    "desk payment": _l("Halaman pembayaran"),
    "desk payments": _l("Daftar pembayaran"),
    "payment proof": _l("Foto bukti pembayaran"),
    "desk refund": _l("Halaman uang kembali"),
    "desk search": _l("Hasil pencarian"),
    "statement": _l("Mutasi rekening"),
    "failed messages": _l("Pesan yang gagal"),
    "users": _l("Daftar akun"),
    "user": _l("Halaman akun"),
    "audit": _l("Catatan kegiatan"),
}


def sentence(action: str) -> str:
    """What was done, in the reader's words; an unknown code as it is."""
    found = ACTIONS.get(action)
    return str(found) if found is not None else action


def page_text(page: str) -> str:
    """What was looked at."""
    found = PAGES.get(page)
    return str(found) if found is not None else page


def subject_text(subject: str) -> str:
    """`akun 3` of `user 3`; what is not known as it is."""
    words = subject.split(" ")
    for count in (2, 1):
        found = SUBJECTS.get(" ".join(words[:count]))
        if found is not None and len(words) >= count:
            return f"{found} {' '.join(words[count:])}".strip()
    return subject


def subject_of(text: str) -> str:
    """`user 3` of `akun 3`: what a subject that people read is called in the table."""
    words, _space, name = text.rpartition(" ")
    own = next((key for key, label in SUBJECTS.items() if str(label) == words), words)
    return f"{own} {name}"
