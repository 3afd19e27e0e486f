"""The support desk: the pages of the admin on which support staff help people."""
