"""DigitalOcean's OAuth endpoints: the consent page, the token endpoint and revocation."""
