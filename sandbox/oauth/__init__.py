"""DigitalOcean's authorization server: consent page, codes, token pairs, revocation."""
