"""Start the DICOM server and find the validator, or end with the reason why one is not there.

Elsewhere the clinic's tests skip without them, a validator that is not there finds no error, and
the page falls back to a folder of files. A check of a change may not pass in that way.
"""

import sys

from medlib.systems.clinic.dicom_server import dicom_server, why_no_server
from medlib.systems.clinic.dicom_validation import why_no_validator

missing = [why for why in (why_no_server(), why_no_validator()) if why]
if not missing:
    try:
        with dicom_server() as server:
            print(f"Orthanc {server.version} runs in a namespace of its own; dciodvfy is there")
    except ValueError as error:
        missing = [str(error)]
if missing:
    sys.exit("\n".join(missing))
