"""One network learned at several hospitals: the images stay, the weights move.

- `allotment`: how many images each hospital has, and of which class.
- `weighted_mean`: FedAvg's aggregation, the same bits in any order of arrival.
- `robust_mean`: the median and the trimmed mean, which one liar cannot move far.
- `proximal`: FedProx's pull back to where the round began.
- `local_norms`: what stays at home under FedBN.
- `site_training`: one hospital's work in one round, the same bits whoever else takes part.
- `poisoning`: what a liar sends instead.
- `federation`: the loop, plainly: the reference for what Flower does.
- `baselines`: each hospital alone, and all images in one place, through the same loop.
- `arms`: the ways to learn that are compared, called alike.
- `judged`: AUC at each hospital, and over all of them.
- `message_bytes`: what one model costs on the wire.
- `quiet_flower`: Flower imported when needed, silent.
- `flower_rounds`: the same federation through Flower's messages, client app and strategies.
- `network`: the small network that hospitals train.
- `flower_processes`: the same federation as processes, over TLS, with nodes that prove themselves.
- `certificates`: the keys and certificates for that.
"""
