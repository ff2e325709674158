"""Results that outlive a run: what was accepted, and tables of runs that no build repeats.

- `accepted`: what the book has committed itself to, one file a chapter.
- `thumbnail`: figures by their pixels, for equality and likeness.
- `pixel_digests`: each figure decoded once, however often a book is checked.
- `kept`: where kept tables are read and written.
- `stale`: whether one is still what the present code would make.
- `seeds`: other seeds.
- `spreads`: how each result scatters over them.
- `falsified`: what makes each claim fail.
- `longer`: longer training.
- `full`: one long run.
- `sweep`: a grid of parameters and seeds.
- `extended`: an accepted one of these, joined with new points.
- `sweep_table`: its tidy table.
- `points`: finished points as small files, which outlive the build folder.
- `live`: one small point of each sweep, run again by a build.
"""
