"""House plots: the five figures that chapters draw most, in one style, with data handed in.

* `canvas`: a figure of the book's size and style, an axis with its unit, series told apart;
* `image_rows`: rows of images that share a window, with the unit and a scale bar;
* `line_band`: lines over a number, with a band or with a dot for each seed;
* `interval_points`: a point and its interval for each method, in one column or several;
* `reliability`: how often it happened against how often it was predicted;
* `paired_dots`: the same units under two conditions or more, one line for each unit.

Each takes numbers and words, computes no statistic, and returns the figure, ready for `run.figure`.
Each demands what a reader needs: an axis is a pair, ("PSNR", "dB"), or ("AUC", "") for a pure
number. Pages show figures on a white card in light and dark alike; colours keep apart for
colour-blind readers and in grey, and no series is told by its colour alone.
"""
