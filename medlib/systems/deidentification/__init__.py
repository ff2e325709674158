"""Images without the patient's identity, after DICOM PS3.15 Annex E, and how to find what is left.

- `pseudonyms`: a plain hash of a record number is broken by trying all numbers; a keyed one is not.
- `profile`: what the standard's table, as a library keeps it, does with an attribute.
- `keyed_values`: UIDs and dates that are replaced alike in all files of a patient.
- `dummies`: a value that says nothing, for each kind of value.
- `kept_text`: short texts that stay although the table does not name them, and what codes mean.
- `code_forms`: what a published code looks like, and its check digit.
- `pixel_tail`: bytes behind the last pixel are cut.
- `burned_in`: text in the pixels: what speaks for it, and rectangles that are painted over.
- `refusals`: what is refused because it cannot be cleaned.
- `removals`: attributes that go whatever they hold.
- `options`: what more is to be kept, each to be asked for.
- `marks`: that a dataset was de-identified, and how.
- `file_header`: what stands before the dataset in a file.
- `deidentify`: a dataset without identity, and what was done to each attribute.
- `canaries`: a unique value in every attribute and at every depth, and which of them are left.
- `validator`: what of the original is still in the bytes of the result; it uses no table.
"""
