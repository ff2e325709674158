"""Pages: from runs to the site.

A chapter's page:

- `pages`: an executed notebook and its record become a page.
- `masthead`: how the page was made, and how to make it again.
- `recorded`: what it shows that no build repeats, and what the one point that is run again gave.
- `code_switch`: how much code is seen: key, all, none.
- `exercise`: a field, a button, hints and a solution, without kernel or network.
- `sealed`: texts and answers that a page holds without showing them.

Pages of the whole book:

- `frontmatter`: pages written by hand, with blocks that the runs fill in.
- `status`: what each chapter cost and claims, by what margin.
- `on_trial`: the sources' assertions, with their verdicts.
- `verdict_bars`: the same in one picture.

The site:

- `site`: staged, rendered, swapped in whole.
- `inputs`: everything that it is made of, as one digest.
- `assets`: what a page needs in the reader's browser.
- `mending`: pages put right for keyboards and screen readers.
- `paper`: style sheets for paper.
- `door`: plain Sphinx makes the same pages.
"""
