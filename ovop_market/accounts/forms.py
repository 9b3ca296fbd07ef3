"""Signing in and registering."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, PasswordField, StringField

from ovop_market.accounts.services import MAX_PASSWORD, MIN_PASSWORD
from ovop_market.web.forms import BaseForm, at_most, required


class SignInForm(BaseForm):
    """`next` is where to go afterwards: a path of this site, or it is ignored."""

    login = StringField(_l("Email atau nomor HP"), [required(), at_most(254)])
    password = PasswordField(_l("Kata sandi"), [required(), at_most(1024)])
    next = HiddenField()


class RegisterForm(BaseForm):
    """A buyer's account; the other roles are made by operators."""

    name = StringField(_l("Nama"), [required(), at_most(100)])
    login = StringField(_l("Email atau nomor HP"), [required(), at_most(254)])
    password = PasswordField(
        _l("Kata sandi"), [required(), at_most(MAX_PASSWORD, at_least=MIN_PASSWORD)]
    )
    next = HiddenField()
