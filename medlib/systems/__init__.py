"""Part IV, from one site to many: what hospitals can do together, and what an audit can show.

- `aggregation`: a sum of updates without its parts, what it hides and what it does not.

The rooms do not import each other.
"""
