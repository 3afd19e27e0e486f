"""A passkey, as a browser and a device would have it: it answers Conveyor's challenges."""

from __future__ import annotations

import json
from hashlib import sha256
from secrets import token_bytes
from typing import Any

from allauth.mfa.models import Authenticator
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData, CollectedClientData

from accounts.models import User
from tests.support.person import PASSWORD, Person

ORIGIN = "http://localhost:8000"
ADD = "/accounts/2fa/webauthn/add/"
LOGIN = "/accounts/2fa/webauthn/login/"
AUTHENTICATE = "/accounts/2fa/authenticate/"
REAUTHENTICATE = "/accounts/2fa/webauthn/reauthenticate/"

_FLAG = AuthenticatorData.FLAG


class Passkey:
    """One key pair. `origin` is the page that asks for it; `is_verified`: the device has asked for a PIN."""

    def __init__(self, *, origin: str = ORIGIN, is_verified: bool = True) -> None:
        self.origin = origin
        self.id = token_bytes(16)
        self.user_handle = ""
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._flags = _FLAG.UP | (_FLAG.UV if is_verified else _FLAG(0))

    def create(self, options: Any) -> str:
        """The answer to options for `navigator.credentials.create`."""
        asked = options["publicKey"]
        self.user_handle = asked["user"]["id"]
        key = ES256.from_cryptography_key(self._key.public_key())  # type: ignore[no-untyped-call]
        public = AttestedCredentialData.create(bytes(16), self.id, key)
        data = AuthenticatorData.create(self._hash(asked["rp"]["id"]), self._flags | _FLAG.AT, 0, public)
        return self._answer(
            clientDataJSON=self._client_data(asked, "webauthn.create"),
            attestationObject=AttestationObject.create("none", data, {}),
        )

    def get(self, options: Any, **changed: bytes) -> str:
        """The answer to options for `navigator.credentials.get`."""
        asked = options["publicKey"]
        data = AuthenticatorData.create(self._hash(asked["rpId"]), self._flags, 1)
        client = self._client_data(asked, "webauthn.get")
        return self._answer(
            clientDataJSON=client,
            authenticatorData=data,
            signature=self._key.sign(data + sha256(client).digest(), ec.ECDSA(SHA256())),
            userHandle=websafe_decode(self.user_handle),
            **changed,
        )

    def _client_data(self, asked: Any, kind: Any) -> bytes:
        return bytes(CollectedClientData.create(kind, websafe_decode(asked["challenge"]), self.origin))

    def _hash(self, rp_id: str) -> bytes:
        return sha256(rp_id.encode()).digest()

    def _answer(self, **response: bytes) -> str:
        name = websafe_encode(self.id)
        texts = {key: websafe_encode(value) for key, value in response.items()}
        extensions = {"credProps": {"rk": True}}
        return json.dumps(
            {"id": name, "rawId": name, "type": "public-key", "response": texts, "clientExtensionResults": extensions}
        )


def store(user: User, *, name: str = "Laptop") -> None:
    """A passkey that was added before."""
    asked = {"publicKey": {"rp": {"id": "localhost"}, "user": {"id": ""}, "challenge": ""}}
    data = {"name": name, "credential": json.loads(Passkey().create(asked))}
    Authenticator.objects.create(user=user, type=Authenticator.Type.WEBAUTHN, data=data)


def options(person: Person, url: str) -> Any:
    """What Conveyor's page or script asks the browser for."""
    answer = person.client.get(url, headers={"Accept": "application/json"})
    found = answer.json() if "json" in answer["Content-Type"] else answer.context["js_data"]
    asked = json.loads(json.dumps(found, default=dict))
    return asked.get("creation_options") or asked["request_options"]


def add(person: Person, passkey: Passkey, *, name: str = "Laptop") -> Any:
    """Add it to the account as a user does; returns Conveyor's answer."""
    person.client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    credential = passkey.create(options(person, ADD))
    return person.client.post(ADD, {"name": name, "credential": credential, "passwordless": "on"})


def use(person: Person, passkey: Passkey, url: str, **more: str) -> Any:
    """Use it on the page at `url`; returns Conveyor's answer."""
    return person.client.post(url, {"credential": passkey.get(options(person, url)), **more})
