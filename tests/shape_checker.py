"""The type checker that tests put around the library: beartype, with an int welcome as a float."""

from beartype import BeartypeConf, beartype

checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
