"""The science of the book: physics, models and metrics; it knows nothing of books.

Import order is reading order. `experiment` is the ground floor, `measures` and `nets` stand on it,
then come the parts: `pixels`, `diagnosis`, `translation`, `systems`. A later part may import an
earlier one, never the reverse. Inside a part there is a room for each subject; rooms of one part do
not import each other: what two of them need stands on a floor below.

Data enter as arrays: nothing but `experiment` reads or writes a file, and nothing the network.
"""
