"""Results that outlive a run: the accepted ones (`accepted`), figures as pixels (`thumbnail`),
other seeds (`seeds`, `seed_table`), grids of parameters (`sweep`, `sweep_table`)."""
