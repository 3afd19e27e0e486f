"""What the authorization server stores: registered clients, codes, grants with their token pairs, and scopes."""
