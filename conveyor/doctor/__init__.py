"""`manage.py doctor`: checks of a host, each of which says what it found and what to do."""
