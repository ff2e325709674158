"""Pages: a chapter's (`pages`, `masthead`), its exercises (`exercise`, `sealed`), those written by
hand (`frontmatter`), the status page (`status`), what a browser needs (`assets`), the site that
they make (`site`), put right for every reader and for paper (`mending`, `paper`); and the proof
that plain Sphinx makes the same (`door`)."""
