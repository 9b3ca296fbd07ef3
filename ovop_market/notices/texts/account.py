"""What the owner of an account is told of it. No mail asks for a password, and each says what to do
if it was not the reader."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_babel import gettext as _

from ovop_market.notices.kinds import Kind
from ovop_market.notices.labels import subject_text
from ovop_market.notices.queries import Story
from ovop_market.notices.texts.message import Links, Message

K = Kind


def message(story: Story, links: Links) -> Message:
    """The message to the owner. Raises KeyError for a kind that is not theirs."""
    todo, notes = _TEXTS[story.kind]()
    endpoint, values, button = _place(story)
    return Message(
        subject=subject_text(story.kind),
        todo=todo,
        notes=notes,
        button=button,
        link=links.to(endpoint, **values),
        path=links.path(endpoint, **values),
    )


def _place(story: Story) -> tuple[str, dict[str, Any], str]:
    """The page, its values, and what the button to it says."""
    if story.kind is K.VERIFY:
        return "accounts.verification", {"token": story.link}, _("Pastikan email")
    if story.kind is K.RESET:
        return "accounts.new_password", {"token": story.link}, _("Buat kata sandi baru")
    if story.kind is K.TAKEN:
        return "accounts.sign_in", {}, _("Masuk")
    if story.kind is K.NEW_EMAIL:
        return "accounts.new_email", {"token": story.link}, _("Pakai email ini")
    if story.kind is K.EMAIL_CHANGING:
        return "accounts.forgotten", {}, _("Bukan saya: buat kata sandi baru")
    if story.kind in (K.EMAIL_GONE, K.LOGIN_WANTED):
        return "accounts.sign_in", {}, _("Masuk")
    if story.kind in (K.PASSWORD_CHANGED, K.PHONE_CHANGED):
        return "accounts.forgotten", {}, _("Bukan saya: buat kata sandi baru")
    return "accounts.two_steps", {}, _("Lihat kode masuk")


def _verify() -> tuple[str, list[str]]:
    return (
        _("Tekan tautan ini untuk memastikan bahwa email Anda benar."),
        [
            _("Tautan berlaku 24 jam."),
            _("Tidak mendaftar di OVOP Market? Abaikan email ini: tidak terjadi apa-apa."),
        ],
    )


def _reset() -> tuple[str, list[str]]:
    return (
        _("Tekan tautan ini untuk membuat kata sandi baru."),
        [
            _("Tautan berlaku 1 jam dan hanya satu kali. Jangan teruskan kepada siapa pun."),
            _("Tidak memintanya? Abaikan email ini: kata sandi Anda tetap."),
        ],
    )


def _taken() -> tuple[str, list[str]]:
    return (
        _("Ada yang mendaftar dengan email ini, tetapi email ini sudah punya akun. Masuk saja."),
        [
            _("Lupa kata sandi? Di halaman masuk ada tombol untuk membuat yang baru."),
            _("Bukan Anda? Abaikan email ini: akun Anda tidak berubah."),
        ],
    )


def _password_changed() -> tuple[str, list[str]]:
    return (
        _("Kata sandi akun Anda baru saja diganti, dan perangkat lain sudah keluar."),
        [_("Anda sendiri yang menggantinya? Tidak perlu berbuat apa-apa.")],
    )


def _second_factor_on() -> tuple[str, list[str]]:
    return (
        _("Mulai sekarang, masuk ke akun Anda perlu kode dari HP."),
        [_("Simpan kode cadangan di tempat yang aman, jauh dari HP.")],
    )


def _second_factor_off() -> tuple[str, list[str]]:
    return (
        _("Masuk ke akun Anda sekarang hanya perlu kata sandi."),
        [_("Bukan Anda yang memintanya? Ganti kata sandi, lalu hubungi pengelola OVOP Market.")],
    )


def _recovery_code_used() -> tuple[str, list[str]]:
    return (
        _("Akun Anda baru saja dibuka dengan kode cadangan dari kertas."),
        [_("Bukan Anda? Ganti kata sandi, lalu hubungi pengelola OVOP Market.")],
    )


def _new_email() -> tuple[str, list[str]]:
    return (
        _("Tekan tautan ini untuk memakai email ini di akun OVOP Market Anda."),
        [
            _("Tautan berlaku 24 jam dan hanya satu kali."),
            _("Tidak memintanya? Abaikan email ini: tidak terjadi apa-apa."),
        ],
    )


def _email_changing() -> tuple[str, list[str]]:
    return (
        _(
            "Ada yang meminta email lain untuk akun Anda. Sampai itu dipastikan, email ini tetap"
            " dipakai."
        ),
        [
            _("Anda sendiri yang memintanya? Tidak perlu berbuat apa-apa."),
            _(
                "Bukan Anda? Buat kata sandi baru sekarang: permintaan itu batal, dan semua"
                " perangkat keluar."
            ),
        ],
    )


def _email_gone() -> tuple[str, list[str]]:
    return (
        _(
            "Email ini tidak dipakai lagi untuk akun OVOP Market Anda, dan perangkat lain sudah"
            " keluar."
        ),
        [
            _("Anda sendiri yang mengubahnya? Tidak perlu berbuat apa-apa."),
            _(
                "Bukan Anda? Segera hubungi pengelola OVOP Market: pengelola memastikan siapa Anda,"
                " lalu membantu Anda masuk lagi."
            ),
        ],
    )


def _phone_changed() -> tuple[str, list[str]]:
    return (
        _("Nomor HP untuk masuk ke akun Anda baru saja diubah, dan perangkat lain sudah keluar."),
        [
            _("Anda sendiri yang mengubahnya? Tidak perlu berbuat apa-apa."),
            _("Bukan Anda? Buat kata sandi baru sekarang, lalu periksa nomor HP di halaman Akun."),
        ],
    )


def _login_wanted() -> tuple[str, list[str]]:
    return (
        _("Ada yang ingin memakai email atau nomor HP akun Anda untuk akun lain. Itu tidak bisa."),
        [
            _("Anda sendiri, dengan akun kedua? Masuk saja dengan akun ini."),
            _("Bukan Anda? Abaikan email ini: akun Anda tidak berubah."),
        ],
    )


_TEXTS: dict[Kind, Callable[[], tuple[str, list[str]]]] = {
    K.VERIFY: _verify,
    K.RESET: _reset,
    K.TAKEN: _taken,
    K.PASSWORD_CHANGED: _password_changed,
    K.SECOND_FACTOR_ON: _second_factor_on,
    K.SECOND_FACTOR_OFF: _second_factor_off,
    K.RECOVERY_CODE_USED: _recovery_code_used,
    K.NEW_EMAIL: _new_email,
    K.EMAIL_CHANGING: _email_changing,
    K.EMAIL_GONE: _email_gone,
    K.PHONE_CHANGED: _phone_changed,
    K.LOGIN_WANTED: _login_wanted,
}
