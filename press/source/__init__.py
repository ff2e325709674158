"""A chapter's source: where it lies, what stands in it, and what a person gives it.

- `project`: where everything lies.
- `weave`: sources to notebooks.
- `jupyter_markdown`: the book's own directives and roles as every notebook shows them.
- `cells`: the cells as the checks read them.
- `checked_cells`: the cells in which a reader answers.
- `computing`: what of the code decides numbers: all of it but the words.
- `reading`: how much there is to read.
- `given`: parameters, grids and seeds from the command line.
- `verdict_sheet`: what the sources assert, and by what each chapter judges it.
- `grounds`: what each claim was run on.
- `yaml_file`: YAML as people mean it.
"""
