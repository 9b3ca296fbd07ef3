"""How producers, permits, stages and visits are called on the screen."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from ovop_market.villages.models import PermitKind, ProducerKind, Stage
from ovop_market.villages.policy import StaffRole
from ovop_market.villages.producer_states import ProducerAction, ProducerState
from ovop_market.villages.programme_states import Mentor
from ovop_market.villages.visit_models import Topic

PRODUCER_KINDS: dict[ProducerKind, LazyString] = {
    ProducerKind.HOUSEHOLD: _l("Rumah tangga"),
    ProducerKind.GROUP: _l("Kelompok"),
}

STAFF: dict[StaffRole, LazyString] = {
    StaffRole.OWNER: _l("pemilik"),
    StaffRole.PACKER: _l("pengemas"),
}

# What each may do, in a sentence.
STAFF_MAY: dict[StaffRole, LazyString] = {
    StaffRole.OWNER: _l(
        "Menjawab pesanan, mengubah harga dan stok, melihat uang, mengundang orang."
    ),
    StaffRole.PACKER: _l(
        "Menyiapkan, mengemas, dan mengirim pesanan yang sudah diterima. Tidak melihat harga dan "
        "uang, dan tidak menjawab pesanan."
    ),
}

PERMITS: dict[PermitKind, LazyString] = {
    PermitKind.NIB: _l("NIB"),
    PermitKind.PIRT: _l("Izin PIRT"),
    PermitKind.HALAL: _l("Sertifikat halal"),
}

STAGES: dict[Stage, LazyString] = {
    Stage.PROPOSAL: _l("diusulkan"),
    Stage.SELECTION: _l("diseleksi"),
    Stage.DESIGNATION: _l("ditetapkan"),
    Stage.MENTORING: _l("dibina"),
    Stage.EVALUATION: _l("dinilai"),
}

TOPICS: dict[Topic, LazyString] = {
    Topic.PRODUCTION: _l("Produksi"),
    Topic.PACKAGING: _l("Kemasan"),
    Topic.PERMITS: _l("Izin"),
    Topic.MARKETING: _l("Pemasaran"),
    Topic.QUALITY: _l("Mutu"),
    Topic.MONEY: _l("Keuangan"),
    Topic.OTHER: _l("Lainnya"),
}

# Who mentors a village, as its stars tell (programme_states.mentor).
MENTORS: dict[Mentor, LazyString] = {
    Mentor.REGENCY: _l("kabupaten"),
    Mentor.PROVINCE: _l("provinsi"),
    Mentor.MINISTRY: _l("kementerian"),
}

PRODUCER_STATES: dict[ProducerState, LazyString] = {
    ProducerState.APPLIED: _l("Mendaftar"),
    ProducerState.APPROVED: _l("Berjualan"),
    ProducerState.SUSPENDED: _l("Dihentikan"),
    ProducerState.REFUSED: _l("Ditolak"),
    ProducerState.CLOSED: _l("Tutup"),
}
PRODUCER_BADGES = {
    ProducerState.APPLIED: "waiting",
    ProducerState.APPROVED: "done",
    ProducerState.SUSPENDED: "needs",
    ProducerState.REFUSED: "closed",
    ProducerState.CLOSED: "closed",
}
# What was done, as a line of a producer's history.
PRODUCER_DONE: dict[ProducerAction, LazyString] = {
    ProducerAction.APPLY: _l("Mendaftar"),
    ProducerAction.APPROVE: _l("Disetujui"),
    ProducerAction.RECALL: _l("Persetujuan diurungkan"),
    ProducerAction.REFUSE: _l("Ditolak"),
    ProducerAction.SUSPEND: _l("Dihentikan sementara"),
    ProducerAction.RESUME: _l("Boleh berjualan lagi"),
    ProducerAction.CLOSE: _l("Tutup untuk seterusnya"),
}
