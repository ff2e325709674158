"""Files to Samples. Each reader keeps spacing and unit, and reads right or says what is wrong.

dicom          one DICOM image
dicom_series   the slices of a DICOM series, or the frames of an enhanced file, as a volume
dicom_file     a DICOM file that holds an image
dicom_header   what a header says of a plane: where it lies, how its values are scaled, in what unit
dicom_pixels   the values of a plane, in that unit
nifti          NIfTI volumes, in RAS+ order
picture        PNG, JPEG, TIFF and other pictures
picture_pairs  two folders of pictures that show the same places, name by name
npz            arrays of NumPy
repeated_readings  patients measured twice on one or on each of two scanners, out of a CSV file
file           a path that must be a file

Axes: DICOM images are (row, column), a series is (slice, row, column); NIfTI volumes come out in
RAS+ order (x to the right, y to anterior, z to superior); pictures are (row, column, colour).

A name is taken from its file when it is first asked for: a chapter that reads slices is not run
again when the reader of pictures changes.
"""

from data_fetch.late_names import late_names

_HOME = {
    "read_dicom": "dicom",
    "read_dicom_series": "dicom_series",
    "read_image": "picture",
    "read_nifti": "nifti",
    "read_npz": "npz",
}

__getattr__, __dir__ = late_names(__name__, _HOME)
