"""The press turns chapters into a book; it knows no medicine and imports no torch.

A chapter's way to its page: `weave` (source to notebook), `freshness` (does it need to run?),
`execute` and `worker` (papermill in a clean kernel), `verify` (claims, results, figures),
`site` (pages). `build` does them all; `cli` is the `medbook` command.
"""
