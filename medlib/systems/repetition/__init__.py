"""The same run again: what makes it differ, how much, and what it stands on.

- `bits`: two sets of numbers compared bit by bit, and one bit turned over.
- `sums`: one sum in many orders, and the sum that no order changes.
- `switches`: what decides in which order a processor adds.
- `small_training`: a network small enough to be trained again for every cause.
- `fresh_process`: the same training in a new process, under other variables.
- `set_order`: the order of names in a set, which another process does not share.
- `scatter`: gradients that many threads add to one place.
- `surroundings`: what a run stands on, layer by layer, and in what two of them differ.
- `byte_changes`: one byte of a file changed, and put back.
- `audit_picture`: a ledger as a row of boxes, with what an audit says of it.
"""
