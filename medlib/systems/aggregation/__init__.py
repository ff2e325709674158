"""A sum of updates without its parts: what it hides, what it costs, and what it does not hide.

- `quantisation`: updates as integers modulo 2^32, and the error that this costs.
- `agreement`: two clients agree on a secret through a server that does not learn it.
- `stream`: a short seed expanded to a long mask.
- `shamir`: a secret in n shares, any t of which give it back.
- `masking`: masks that cancel between two clients, and one that each keeps to itself.
- `signing`: long-lived keys, so that the server cannot speak for a client.
- `messages`: what is sent in a round, and how many bytes it takes.
- `client`: the five steps of a client, which refuses what an honest server would not send.
- `server`: carries, adds, and takes off masks.
- `protocol`: a whole round in one process.
"""
