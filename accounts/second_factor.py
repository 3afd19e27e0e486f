"""Encryption of TOTP secrets and of the seeds of recovery codes, which allauth stores as they are."""

import base64
import logging
import secrets

from allauth.mfa.adapter import DefaultMFAAdapter

from accounts.encryption import CannotDecrypt, Field, decrypt, encrypt, is_encrypted

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
