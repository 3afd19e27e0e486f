"""DigitalOcean's authorization server: consent page, codes, pairs of tokens, revocation."""
