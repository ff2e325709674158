"""Physically motivated generators. All that comes from here is of kind "simulated".

head_ct           CT-like head slices in HU on the real MNI152 anatomy
lesion            a low-contrast lesion of known contrast, size and place, put into a CT slice
histology         H&E or H-DAB tiles at a glioma's edge, with the truth at every pixel;
                  on `laboratory` (how a place stains and scans) and `nuclei` (what lies where)
one_tile_each     tiles of `histology`, each of another patient
ward              hidden severity, what is measured and when, under any ordering policy
ward_filter       the exact filter of the ward's values: the best that values alone can tell
chest_film        small chest films as cloudy as they are told to be
ink_mark          a dot of pen ink in a corner of some tiles, and what it does to labels
slide_faults      blur, pen, folds, bubbles, wrong exposure, compression, put into any tiles
poisson_quantile  Poisson counts from uniform numbers: the same luck at another dose
matched_colours   tiles with the mean and spread of others' colours
matched_greys     tiles in the grey levels of others: only how pixels are arranged is their own

Randomness comes only from the required `rng`. Item i of a batch has a generator of its own, so it
does not change when more items are asked for. Labelled tasks made of simulated images are in
`tasks`.
"""
