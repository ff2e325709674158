"""The science of the book: physics, models and metrics; it knows nothing of books.

Import order is reading order: `experiment` and `nets` are the ground floor, then `pixels`,
`diagnosis`, `translation` and `systems`; a later part may import an earlier one, never the reverse.
Data enter as arrays: nothing here reads a file or the network.
"""
