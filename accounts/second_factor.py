"""allauth's adapter for second factors: encrypts what allauth stores as it is, and names Conveyor to passkeys."""

import base64
import logging
import secrets
from typing import Any
from urllib.parse import urlsplit

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings

from accounts.encryption import CannotDecrypt, Field, decrypt, encrypt, is_encrypted
from accounts.models import User

log = logging.getLogger(__name__)

FIELD: Field = "second_factor"


class MFAAdapter(DefaultMFAAdapter):
    def encrypt(self, text: str) -> str:
        return encrypt(text, field=FIELD, uid=FIELD)

    def decrypt(self, encrypted_text: str) -> str:
        """The secret. One that an earlier version has stored is returned as it is; `reseal_tokens` encrypts it.

        Without the key it is a random one, for which no code is right: recovery by staff, not a way in.
        """
        if not is_encrypted(encrypted_text):
            return encrypted_text
        try:
            return decrypt(encrypted_text, field=FIELD, uid=FIELD)
        except CannotDecrypt:
            log.error("No key decrypts the secret of a second factor")
            return base64.b32encode(secrets.token_bytes(20)).decode()

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Whom passkeys are for: BASE_URL's host, because whoever sends a request chooses its Host header."""
        return {"id": urlsplit(settings.BASE_URL).hostname or "", "name": "Conveyor"}

    def generate_authenticator_name(self, user: User, type: Any) -> str:
        """The suggested name of a new passkey."""
        return f"Passkey {Authenticator.objects.filter(user=user, type=type).count() + 1}"
