"""Real images that come inside installed wheels: no network, pinned by sha256.

Every function returns a `Sample`. A file that is missing, or whose bytes are not those that the
book was made with, is an error that names the package.

wheel           the path of a file inside an installed package, its bytes checked
radiology       CT and MR slices of pydicom
brain_template  the MNI152 average of nilearn
single_head     the middle of one head's MR, of nibabel's test files
optical         fundus photographs and micrographs of scikit-image
photographs     natural photographs of scikit-image and scikit-learn
cytology        measurements of nuclei of scikit-learn
light_chains    a cohort with a blood marker and its survival, of scikit-survival
imagenet        EfficientNet-Lite0's weights

A name is taken from its file when it is first asked for: a chapter that reads a CT slice has not
imported the photographs, and so is not run again when they change.
"""

from data_fetch.late_names import late_names

_HOME = {
    "packaged_file": "wheel",
    "head_ct": "radiology",
    "ct_small": "radiology",
    "mr_small": "radiology",
    "mr_abdomen": "radiology",
    "mni152": "brain_template",
    "retina": "optical",
    "microaneurysms": "optical",
    "ihc": "optical",
    "cell": "optical",
    "photograph": "photographs",
    "photograph_names": "photographs",
    "LabelledTable": "cytology",
    "breast_cancer": "cytology",
    "Weights": "imagenet",
    "imagenet_weights": "imagenet",
    "imagenet_weights_path": "imagenet",
    "IMAGENET_CLASSES": "imagenet",
}

__getattr__, __dir__ = late_names(__name__, _HOME)
