"""Part I, image to image: how photons become pixels, and what may be done to them afterwards.

- `ct`: from photons to a slice, and how to take the noise out of it.
- `staining`: from one kind of microscope image to another.
- `maps`: from an image to what a network looked at in it.

The rooms do not import each other.
"""
