"""Physically motivated generators. All that comes from here is of kind "simulated".

head_ct          CT-like head slices in HU on the real MNI152 anatomy
lesion           a low-contrast lesion of known contrast, size and place, put into a CT slice
fundus_lesions   real retina texture, simulated lesions: a round dot or a streak
atypia_tiles     H&E-like tiles whose nuclei are regular or atypical
histology        H&E or H-DAB tiles at a glioma's edge, with the truth at every pixel;
                 on `laboratory` (how a place stains and scans) and `nuclei` (what lies where)
bleed_or_vein    real brain anatomy, simulated dark spots: a microbleed, a vein, or beads
slide_mark       a pen's ink or a paper label in the corner of chosen tiles
ink_mark         a dot of pen ink in a corner of some tiles, and what it does to labels

Randomness comes only from the required `rng`. Item i of a batch has a generator of its own, so it
does not change when more items are asked for.
"""
