"""What can go wrong between a file and an array. Every message says what would be right."""


class DataError(ValueError):
    """The data are not what they should be: missing, corrupt, or of another kind."""


class NoImageError(DataError):
    """A whole file that is no image: in a folder of slices it may be left aside."""


class ChecksumError(DataError):
    """The bytes are not the published ones. Nothing was kept."""


class DownloadError(DataError):
    """The network did not deliver the file. The message says how to bring it by hand."""
