"""The whole way of one study, from the scanner to a decision that somebody can check.

It stands above its neighbours, and joins what `ledger` and `deidentification` know.

- `namespace_host`: inside a network namespace: Orthanc, and a Unix socket as its only door.
- `tls_door`: a TLS listener on loopback before that socket.
- `dicom_server`: both, for as long as a block of code runs.
- `viewer_door`: both for a viewer that you bring: its files, and the archive to be read only.
- `server_or_files`: an archive: the server if there is one, else a folder.
- `simulated_head`: FLAIR-like slices of one head, with lesions whose every voxel is known.
- `simulated_study`: such a head as DICOM, of a patient who does not exist.
- `planted_faults`: what goes wrong with studies on their way, one fault at a time.
- `transfer_syntaxes`: which ones keep every voxel.
- `header_checks`: what headers must say, and say alike.
- `slice_geometry`: where slices lie, and whether the networks know their size.
- `intake`: each fault refused or mended, with the reason.
- `own_uids`: UIDs and times that are the same in every run, moved into the patient's past.
- `segmentation_object`: a mask as DICOM SEG.
- `structured_report`: measurements and a probability as a TID 1500 report.
- `report_template`: what such a report must hold, checked.
- `dicom_validation`: what an outside validator says.
- `readers`: the networks, as the pipeline sees them.
- `voxel_features`: what a voxel looks like from near and far, in units of its own brain.
- `voxel_network`: how likely each voxel lies in a lesion.
- `voxel_line`: its rival, one weight a feature.
- `voxel_marks`: from probabilities to marks: a cut and a least size.
- `decision`: lesion or none, from two numbers, with what each spoke for.
- `study_networks`: all that reads a study: a gate, the network, and the decision; and the line.
- `lesion_parts`: what one lesion is, for cuts, reports and scores.
- `bright_voxels`: another rival, two cuts that are tuned and nothing that is learned.
- `reading_scores`: how well lesions of several studies were marked.
- `other_writings`: how else a name or a date may be written, and what hides it.
- `name_search`: whether anything of the originals stands in what went out.
- `planted_slips`: things of the originals left in a result, to see the search find them.
- `journal`: which steps a ledger says were done, for which set of images.
- `department`: what stands ready before a study comes.
- `steps`: what each of the ten steps needs, leaves and finds.
- `pipeline`: the steps in their order, each done once, however often it is killed.
- `kill_trial`: kill it at every place, and compare what it leaves.
- `timeline`: the course of a study: order, files and bytes as a figure, seconds as numbers.
- `arrival`: a study as it came, slice by slice, as a figure.
"""
