"""The `medbook` command (`main`): its verbs for building (`build`), for holding the book to its
word (`verify_cli`), for a run that is carried elsewhere (`crate_cli`), for grids (`sweep_cli`), for
new chapters (`scaffold`), for leaving Jupyter Book (`door_cli`); what all of them are handed
(`desk`) and how a table reads in a terminal (`seed_lines`)."""
