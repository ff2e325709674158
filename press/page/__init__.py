"""Pages: a chapter's (`pages`, `masthead`), those written by hand (`frontmatter`), the status page
(`status`), what a browser needs (`assets`), and the site that they make (`site`)."""
