"""A run packed up for others: an RO-Crate that says what ran, on what, and what came out.

- `make`: a run folder made into the files of a crate.
- `contents`: which files go in.
- `imports`: which library files a file of Python needs, found by reading.
- `citation`: authors and licence of the book.
- `image`: the container image that a run took place in.
- `graph`: the description, in the words of the profile.
- `terms`: the names and addresses that the profiles prescribe.
- `manifest`: the digests of the files, as ``sha256sum --check`` reads them.
- `names`: which names of files are safe on any machine.
- `packing`: written whole or not at all.
- `opening`: how a stranger's is opened without harm.
"""
