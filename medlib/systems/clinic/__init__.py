"""The whole way of one study, from the scanner to a decision that somebody can check.

It stands above its neighbours, and joins what `ledger` and `deidentification` know.

- `namespace_host`: inside a network namespace: Orthanc, and a Unix socket as its only door.
- `tls_door`: a TLS listener on loopback before that socket.
- `dicom_server`: both, for as long as a block of code runs.
- `server_or_files`: an archive: the server if there is one, else a folder.
- `simulated_head`: FLAIR-like slices of one head, with lesions whose every voxel is known.
- `simulated_study`: such a head as DICOM, of a patient who does not exist.
- `planted_faults`: what goes wrong with studies on their way, one fault at a time.
- `intake`: each fault refused or mended, with the reason.
- `own_uids`: UIDs and times that are the same in every run.
- `segmentation_object`: a mask as DICOM SEG.
- `structured_report`: measurements and a probability as a TID 1500 report.
- `report_template`: what such a report must hold, checked.
- `dicom_validation`: what an outside validator says.
- `readers`: the networks, as the pipeline sees them.
- `study_networks`: such networks: a gate, one that marks, one that says whether.
- `journal`: which steps a ledger says were done.
- `pipeline`: the steps, each done once, however often it is killed.
- `kill_trial`: kill it at every place, and compare what it leaves.
- `timeline`: how long each step of a study took.
"""
