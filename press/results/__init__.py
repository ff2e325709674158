"""Results that outlive a run: the accepted ones (`accepted`), figures as pixels (`thumbnail`), and
kept tables (`kept`, `stale`) of runs that a build does not repeat: other seeds (`seeds`), grids of
parameters (`sweep`, `sweep_table`, `points`, `live`), falsifiers (`falsified`), longer training
(`longer`), a long run (`full`)."""
