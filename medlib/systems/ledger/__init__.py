"""An append-only, hash-chained ledger: what a result rests on, so that a later change shows.

- `canonical_json`: one value, one text, so that it can be hashed.
- `entry`: one thing that was done, with the digest of all that it says and of what came before.
- `kinds`: what the book writes: images, data, code, environment, run, metric.
- `chain`: the first broken link, and what is wrong with it.
- `ledger_file`: a chain in a file that many write to and any of them may be killed.
- `signing_keys`: Ed25519 keys in files that nobody else may read.
- `signed_head`: the end of a chain, signed: a ledger cut short or forked shows.
- `lineage`: all that is behind a metric, through every run on the way.
- `audit`: what no longer agrees with the ledger, the most upstream first.
- `inclusion`: a Merkle tree: proofs that an entry is in a ledger, and that it only grew.
"""
