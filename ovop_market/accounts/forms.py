"""Signing in, registering, passwords and codes."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, PasswordField, StringField, ValidationError

from ovop_market.accounts.passwords import MAX_TYPED
from ovop_market.accounts.services import email_of, phone_of
from ovop_market.web.forms import BaseForm, at_most, required


class SignInForm(BaseForm):
    """`next` is where to go afterwards: a path of this site, or it is ignored."""

    login = StringField(_l("Email atau nomor HP"), [required(), at_most(254)])
    password = PasswordField(_l("Kata sandi"), [required(), at_most(MAX_TYPED)])
    next = HiddenField()


class RegisterForm(BaseForm):
    """A buyer's account; the other roles are made by operators. Which passwords are taken,
    accounts.passwords says."""

    name = StringField(_l("Nama"), [required(), at_most(100)])
    login = StringField(_l("Email atau nomor HP"), [required(), at_most(254)])
    password = PasswordField(_l("Kata sandi"), [required(), at_most(MAX_TYPED)])
    next = HiddenField()


class CodeForm(BaseForm):
    """A code of the app, or one from paper."""

    code = StringField(_l("Kode"), [required(), at_most(20)])


class ResetForm(BaseForm):
    """Whose password is to be set anew."""

    login = StringField(_l("Email atau nomor HP"), [required(), at_most(254)])


class NewPasswordForm(BaseForm):
    """A new password, on the page of a link."""

    password = PasswordField(_l("Kata sandi baru"), [required(), at_most(MAX_TYPED)])


def _current() -> PasswordField:
    return PasswordField(_l("Kata sandi sekarang"), [required(), at_most(MAX_TYPED)])


def _code() -> StringField:
    return StringField(_l("Kode"), [required(), at_most(20)])


class PersonForm(BaseForm):
    """Who asks for something that a thief of the phone would do: the password, and a code where the
    second factor is on (else the field is taken out: accounts.confirming.asking)."""

    current = _current()
    code = _code()


class ConfirmFirstForm(PersonForm):
    """The same on a page of its own; `next` is where it leads back to."""

    next = HiddenField()


class ChangePasswordForm(PersonForm):
    """A new password, by somebody who knows the present one."""

    password = PasswordField(_l("Kata sandi baru"), [required(), at_most(MAX_TYPED)])


class EmailForm(PersonForm):
    """The address that the account is to have."""

    email = StringField(_l("Email baru"), [required(), at_most(254)])
    # Again: what is wrong is said in the order of the page.
    current, code = _current(), _code()

    def validate_email(self, field: StringField) -> None:
        if email_of(field.data or "") is None:
            raise ValidationError(_("Tulis alamat email seperti nama@contoh.id."))


class PhoneForm(PersonForm):
    """The number that the account is to have."""

    phone = StringField(_l("Nomor HP baru"), [required(), at_most(30)])
    current, code = _current(), _code()

    def validate_phone(self, field: StringField) -> None:
        if phone_of(field.data or "") is None:
            raise ValidationError(_("Tulis nomor HP Indonesia, misalnya 0812 3456 7890."))
