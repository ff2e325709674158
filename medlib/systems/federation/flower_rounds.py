"""The same federation through Flower: its messages, its client app, its strategies, in process."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from medlib.experiment.streams import torch_generator
from medlib.nets.training import device_of
from medlib.systems.federation.federation import Keeper, validated
from medlib.systems.federation.poisoning import Lie
from medlib.systems.federation.quiet_flower import import_flower
from medlib.systems.federation.site_training import Recipe, Site, train_at_site

__all__ = ["FlowerRun", "client_app", "federate_by_flower", "in_process_grid", "server_strategy"]


@dataclass(frozen=True, eq=False)
class FlowerRun:
    """What Flower's server has in the end; names as in `Federated`.

    Attributes:
        weights: of the round with the lowest mean of the hospitals' validation losses.
        last: after the last round.
        best_round: whose `weights` are.
        validation_loss: of each round, by hospital.
        message_bytes: all messages of the server, and all of the hospitals', as protocol buffers;
            None where they did not pass through this process.
    """

    weights: dict[str, Tensor]
    last: dict[str, Tensor]
    best_round: int
    validation_loss: tuple[dict[str, float], ...]
    message_bytes: tuple[int, int] | None = None


def federate_by_flower(
    model: nn.Module,
    sites: Mapping[str, Site],
    *,
    recipe: Recipe,
    seed: int,
    base: type | None = None,
    local: Collection[str] = (),
    absent: Mapping[str, Collection[int]] | None = None,
    liars: Mapping[str, Lie] | None = None,
    **settings: Any,
) -> FlowerRun:
    """`federate`, with Flower's strategy at the server and its ClientApp at each hospital.

    Args:
        model, sites, recipe, seed, local, absent, liars: as for `federate`.
        base: one of Flower's strategies, derived from FedAvg; None = FedAvg.
        settings: of that strategy, such as `beta` of FedTrimmedAvg.

    Example:
        >>> import torch
        >>> x, y = torch.randn(8, 1, 2, 2), torch.tensor([0, 1] * 4)
        >>> net = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
        >>> run = federate_by_flower(net, {"A": Site(x, y, x, y), "B": Site(-x, y, -x, y)},
        ...                          recipe=Recipe(rounds=2, steps=1, batch_size=4), seed=0)
        >>> [sorted(losses) for losses in run.validation_loss]
        [['A', 'B'], ['A', 'B']]

    Source: Beutel et al. 2020, doi:10.48550/arXiv.2007.14390.
    """
    app = client_app(model, sites, recipe=recipe, seed=seed, local=local, liars=liars)
    strategy = server_strategy(model, len(sites), base=base, local=local, **settings)
    grid = in_process_grid(app, sorted(sites), absent=absent)
    with _identity():
        return strategy.run(grid, rounds=recipe.rounds, message_bytes=grid.message_bytes)


def client_app(
    model: nn.Module,
    sites: Mapping[str, Site],
    *,
    recipe: Recipe,
    seed: int,
    local: Collection[str] = (),
    liars: Mapping[str, Lie] | None = None,
):
    """Flower's ClientApp: one hospital's training and validation; which one, its node says.

    What stays at the hospital, local entries and momenta, is kept in the node's own state.

    Returns:
        `flwr.clientapp.ClientApp`; its nodes are configured with `hospital`.
    """
    import_flower()
    from flwr.app import ArrayRecord, ConfigRecord, Message, MetricRecord, RecordDict
    from flwr.clientapp import ClientApp

    app = ClientApp()
    parameters = {name for name, _ in model.named_parameters()} - set(local)

    def kept(context, what: str) -> dict[str, Tensor]:
        return _tensors(context.state[what]) if what in context.state else {}

    def start(message, context) -> dict[str, Tensor]:
        own = kept(context, "home") or {k: model.state_dict()[k] for k in sorted(local)}
        device = device_of(model)
        given = {**_tensors(message.content["arrays"]), **own}
        return {name: tensor.to(device) for name, tensor in given.items()}

    def reply(message, name: str, numbers: dict, **records):
        content = {"metrics": MetricRecord(numbers), "who": ConfigRecord({"hospital": name})}
        return Message(RecordDict({**records, **content}), reply_to=message)

    @app.train()
    def train(message, context):
        name = str(context.node_config["hospital"])
        number = int(message.content["config"]["server-round"])
        weights = start(message, context)
        update = train_at_site(
            model, weights, sites[name], recipe=recipe, seed=seed, hospital=name, number=number,
            momenta=kept(context, "momenta"),
        )  # fmt: skip
        home = {k: v for k, v in update.weights.items() if k in local}
        for what, tensors in (("home", home), ("momenta", update.momenta)):
            context.state[what] = ArrayRecord({k: v.cpu() for k, v in tensors.items()})
        sent = {k: v for k, v in update.weights.items() if k not in local}
        if name in (liars or {}):
            draws = torch_generator(seed, f"{name}, lie {number}")
            received, honest = ({k: s[k] for k in parameters} for s in (weights, sent))
            sent |= liars[name](received, honest, draws)
        numbers = {"num-examples": update.images, "train-loss": update.train_loss}
        arrays = ArrayRecord({k: v.cpu() for k, v in sent.items()})
        return reply(message, name, numbers, arrays=arrays)

    @app.evaluate()
    def evaluate(message, context):
        name = str(context.node_config["hospital"])
        loss, auc = validated(model, start(message, context), sites[name])
        n = len(sites[name].validation_labels)
        numbers = {"num-examples": n, "validation-loss": loss, "validation-auc": auc}
        return reply(message, name, numbers)

    return app


def server_strategy(
    model: nn.Module,
    n: int,
    *,
    base: type | None = None,
    local: Collection[str] = (),
    **settings: Any,
):
    """One of Flower's strategies, made repeatable: replies are sorted by hospital first.

    Flower adds replies as they arrive, and node numbers are random. Two more things are set right:
    counts that Flower averages as floats become integers again, and the weights that validate best
    are kept, not the last ones only.

    Args:
        model: with the first weights.
        n: hospitals; the server waits until as many nodes are there.
        base: Flower's strategy; None = FedAvg.
        local: entries that are not sent.
        settings: of the strategy.

    Returns:
        A strategy with one more method, `run(grid, rounds=...) -> FlowerRun`.
    """
    import_flower()
    from flwr.app import ArrayRecord
    from flwr.serverapp.strategy import FedAvg

    first = {k: v.detach().cpu().clone() for k, v in model.state_dict().items()}
    shared = {k: v for k, v in first.items() if k not in local}

    class BySortedReplies(base or FedAvg):
        def __init__(self):
            everyone = {
                "min_train_nodes": n, "min_evaluate_nodes": n, "min_available_nodes": n
            }  # fmt: skip
            super().__init__(**everyone, **settings)
            self.current, self.losses = shared, []
            self.keeper = Keeper(first, ())

        def aggregate_train(self, server_round, replies):
            arrays, metrics = super().aggregate_train(server_round, _by_hospital(replies))
            if arrays is not None:
                self.current = {k: _like(v, shared[k]) for k, v in _tensors(arrays).items()}
                arrays = ArrayRecord(self.current)
            return arrays, metrics

        def aggregate_evaluate(self, server_round, replies):
            replies = _by_hospital(replies)
            losses = {
                reply.content["who"]["hospital"]: reply.content["metrics"]["validation-loss"]
                for reply in replies
                if reply.has_content()
            }
            self.losses.append(losses)
            if losses:
                self.keeper.see(server_round, self.current, {}, losses)
            return super().aggregate_evaluate(server_round, replies)

        def run(self, grid, *, rounds: int, message_bytes: list[int] | None = None) -> FlowerRun:
            self.start(grid=grid, initial_arrays=ArrayRecord(shared), num_rounds=rounds)
            return FlowerRun(
                weights=self.keeper.weights,
                last={**first, **self.current},
                best_round=self.keeper.best_round,
                validation_loss=tuple(self.losses),
                message_bytes=tuple(message_bytes) if message_bytes else None,
            )

    return BySortedReplies()


def in_process_grid(
    app, hospitals: Collection[str], *, absent: Mapping[str, Collection[int]] | None = None
):
    """A Flower Grid without a network: each message is packed, unpacked, answered, and back again.

    Args:
        app: the ClientApp.
        hospitals: their names; each gets a node and a context of its own.
        absent: rounds in which a hospital answers a training message with an error.

    Returns:
        A grid; its `message_bytes` counts what was sent out and what came back.
    """
    import_flower()
    from flwr.app import Context, Error, Message, MessageType, RecordDict
    from flwr.common.serde import message_from_proto, message_to_proto
    from flwr.proto.message_pb2 import Message as Packed
    from flwr.serverapp import Grid

    class InProcess(Grid):
        def __init__(self):
            self.contexts = {
                node: Context(1, node, {"hospital": name}, RecordDict(), {})
                for node, name in enumerate(hospitals, start=2)  # the server is node 1
            }
            self.message_bytes = [0, 0]

        def set_run(self, run):
            raise NotImplementedError("this grid has one run only")

        run = property(set_run)
        create_message = push_messages = pull_messages = set_run

        def get_node_ids(self):
            return list(self.contexts)

        def wire(self, message, way: int):
            packed = message_to_proto(message).SerializeToString()
            self.message_bytes[way] += len(packed)
            return message_from_proto(Packed.FromString(packed))

        def send_and_receive(self, messages, *, timeout=None):
            replies = []
            for count, message in enumerate(messages):
                message.metadata.__dict__["_message_id"] = str(count)
                replies.append(self.wire(self.answer(self.wire(message, 0)), 1))
            return replies

        def answer(self, message):
            context = self.contexts[message.metadata.dst_node_id]
            away = (absent or {}).get(context.node_config["hospital"], ())
            if message.metadata.message_type == MessageType.TRAIN and (
                message.content["config"]["server-round"] in away
            ):
                return Message(Error(code=0, reason="absent in this round"), reply_to=message)
            try:
                return app(message, context)
            except FloatingPointError as broken:
                return Message(Error(code=0, reason=str(broken)), reply_to=message)

    return InProcess()


@contextmanager
def _identity():
    """Flower's messages ask the process which task of which run it is; a server, say."""
    from flwr.supercore.task_identity import TaskIdentity

    names = ("_task_id", "_run_id", "_node_id")
    before = [getattr(TaskIdentity, name) for name in names]
    TaskIdentity.task_id, TaskIdentity.run_id, TaskIdentity.node_id = 1, 1, 1
    try:
        yield
    finally:
        for name, value in zip(names, before, strict=True):
            setattr(TaskIdentity, name, value)


def _by_hospital(replies) -> list:
    """Errors last; they have no hospital, and are not combined."""
    return sorted(
        replies, key=lambda r: (r.has_error(), r.has_content() and r.content["who"]["hospital"])
    )


def _tensors(record) -> dict[str, Tensor]:
    """Copies: what Flower hands out may not be written to."""
    return {name: torch.from_numpy(array.numpy().copy()) for name, array in record.items()}


def _like(tensor: Tensor, first: Tensor) -> Tensor:
    return tensor.to(first.dtype) if first.is_floating_point() else tensor.round().to(first.dtype)
