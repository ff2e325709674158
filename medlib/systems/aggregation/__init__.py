"""A sum of updates without its parts: what it hides, what it costs, and what it does not hide.

- `quantisation`: updates as integers modulo 2^32, and the error that this costs.
- `agreement`: two clients agree on a secret through a server that does not learn it.
- `words`: memory for a vector, laid where a processor reads and writes it soonest.
- `stream`: a short seed expanded to a long mask.
- `shamir`: a secret in n shares, any t of which give it back.
- `masking`: masks that cancel between two clients, and one that each keeps to itself.
- `signing`: long-lived keys, so that the server cannot speak for a client.
- `messages`: what is sent in a round, and how many bytes it takes.
- `client`: the five steps of a client, which refuses what an honest server would not send.
- `server`: carries, adds, and takes off masks.
- `participants`: the clients of one round and their server, with each other's keys.
- `protocol`: a whole round in one process.
- `collusion`: who stands exposed when the server and some clients put together what they know.
- `overheard`: a round as the server and its colluders hear it, and what they open with it.
- `two_lists`: a server that lies, played with real clients, and who refuses.
- `threshold`: how many must stay, given who may collude and who may vanish.
- `uniformity`: does a masked update look like uniform words?
- `weak_seed`: a mask from a short seed, undone by trying all seeds.
- `inversion`: a patient's image from the gradient of a linear layer, in closed form.
- `gradient_matching`: the same by search, for any network.
- `imprint`: weights that a lying server hands out, to read patients out of a sum.
- `recognition`: whose image is it? A reconstruction among the images of many.
- `membership`: is a patient's record in the sum?
- `tracing`: the same question, asked by one who knows how records spread.
- `privacy`: noise that bounds what the sum tells, and how much of it.
- `private_training`: many noisy sums, one model, and what all of them spend.
- `many_trainings`: all settings of a grid at once, over draws of the noise.
"""
