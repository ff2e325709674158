"""Labelled tasks made of images: a question with two answers or more, and images to ask it of.

fundus_lesions        real retina texture, simulated lesions: a round dot or a streak
atypia_tiles          simulated H&E-like tiles whose nuclei are regular or atypical
bleed_or_vein         real brain anatomy, simulated dark spots: a microbleed, a vein, or beads
white_matter_lesions  real brain anatomy, simulated FLAIR contrast and small lesions with masks
scanned_again         the same anatomy, scanned again on any scanner, with masks
mri_and_pet           real brain anatomy, simulated PET and lesions that one shows, or both
photograph_crops      real crops: living or made by people; from which photograph; which one do
                      ImageNet's weights know
photograph_of_crop    the photograph that a crop was cut from, where a crop is not its own unit
outlined_lesions      real retina texture, simulated dots and streaks with masks, and specks
square_crops          squares of any picture, at all scales
medmnist_two_classes  real images: tumour against mucosa, malignant against the rest (downloaded)
volume_archive        real volumes out of a MedMNIST 3D file that you have
lesion_folder         your own scans with masks of lesions: a folder for each patient
tile_folder           your own tiles of two classes: a folder for each
class_folder          your own tiles of many classes: a folder for each, one tile a patient
hidden_classes        known classes divided by patient, others hidden from all
tissue_classes        simulated H&E of six tissues, one tile a patient, known ones and others
hospitals             simulated H&E at several hospitals: sizes, mixtures and scanners differ
other_modalities      real tiles of a retina, an immunostain, a brain MR, a head CT, objects
ward_records          simulated stays: vital signs, laboratory values, chest films
radiogenomic_cohort   real brain anatomy, simulated tumours, scanners, genes and responses
physionet_2012        real stays in intensive care, downloaded; no films

Each is `Labelled`, `Segmented` where pixels carry the truth, or `Records`, and says in its `Sample`
whether it is real or simulated. Randomness comes only from the required `rng`.
"""
