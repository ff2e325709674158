"""Part III, from lab to clinic: what a network learned elsewhere, and what becomes of it here.

- `seeing`: looking into a network, depth by depth.
- `moving`: extracting or fine-tuning: what moves, how fast, and what is left of the source.
- `shifts`: what changes between two places, and what each change asks for.
- `volumes`: from planes to volumes.
- `registration`: which place in one image is which place in another, and whether a map tears.
- `radiogenomics`: biology or scanner: what a score reads where hospital and response hang together.
- `validity`: does a biomarker measure the same again, and does it matter to a patient?

The rooms do not import each other.
"""
