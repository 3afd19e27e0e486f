"""Compressed pages and downloads, and the pages that are not: those that show a secret which lasts.

Compression lets somebody who sees the length of an answer guess what is in it, if they can also put text into it
(BREACH, https://www.breachattack.com). docs/security.md says what stands against that.
"""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django_http_compression.middleware import HttpCompressionMiddleware

UNCOMPRESSED = frozenset(
    {
        "mfa_activate_totp",
        "mfa_view_recovery_codes",
        "mfa_generate_recovery_codes",
        "mfa_download_recovery_codes",
        "droplets:feed_address",
        "droplets:renew_watcher_secret",
        "droplets:watcher",  # the address of a webhook can be a secret, as Slack's are
        "droplets:add_watcher",
    }
)
"""Names of views whose answers hold a secret that is the same the next time."""


class CompressionMiddleware(HttpCompressionMiddleware):
    """Compresses text by zstd, brotli or gzip, whichever the client accepts. Static files: WhiteNoise, before this."""

    def maybe_compress(self, request: HttpRequest, response: HttpResponseBase) -> None:
        match = request.resolver_match
        if match and match.view_name in UNCOMPRESSED:
            return
        if self.content_type_re.match(response.headers.get("Content-Type", "")):
            patch_vary_headers(response, ["Accept-Encoding"])  # the library does so for compressed answers only
        super().maybe_compress(request, response)
