"""The press turns chapters into a book; it knows no medicine and imports no torch.

Its rooms are a chapter's way to its page; each imports only those above it:

* `source`: where everything lies; a chapter's source read into a notebook and its parameters;
* `run`: what must run and what is fresh; clean kernels side by side, with a display and a lock;
* `results`: what was accepted, tables over seeds and grids, a figure's likeness;
* `crate`: a run packed up for others, with a description and digests;
* `check`: lint, claims, budgets, drift, and a run done again;
* `page`: pages, masthead, front matter, status, the site;
* `cli`: the verbs of `medbook`.

Below them all stand `errors` (made for the person who reads them, and the exit codes) and `finding`
(one thing that a check found).
"""
