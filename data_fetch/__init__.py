"""Everything that brings data to a chapter. This package knows data, not medicine.

sample      what every reader returns: an array with its spacing, unit and provenance
labelled    a Sample whose items carry labels, and what each means
segmented   a Sample whose images carry a mask each
records     measurements of patients at irregular times, with an outcome; films of theirs
errors      what goes wrong, in words
folder      which files of a folder count, and their digests
readers/    DICOM, NIfTI, PNG/JPEG/TIFF, NPZ files -> Sample
packaged    real images inside installed wheels: nothing is downloaded
simulated   physically motivated generators, always labelled simulated
tasks       labelled tasks made of images, real or simulated
catalog     the typed view of registry.toml, the data sets on the network
download    checked downloads into a cache folder
transfer    one file from one address, resumed and tried again
late_names  names that a package takes from its files when they are first asked for
medmnist    PathMNIST and BreastMNIST as arrays with labels
cards/      one page per data set, rendered in the book

`python -m data_fetch --help` lists, fetches and verifies.
"""
