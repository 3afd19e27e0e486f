"""What a query string holds."""

LARGEST_NUMBER = 2**63 - 1
"""The largest that a database stores."""


def number(text: str) -> int:
    """A number in a query string; 0 where it is none, or larger than any id."""
    is_number = text.isascii() and text.isdigit() and len(text) < 20
    return int(text) if is_number and int(text) <= LARGEST_NUMBER else 0
