"""A gRPC server between a client and an emulator that loses requests and replies on demand."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import grpc
from google.protobuf.any_pb2 import Any
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

OURS = ("grpc-", "user-agent", "content-type", "te", ":")
"""Headers that the next hop writes itself."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What happens to one call."""

    code: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE
    """What the client gets to hear."""
    says: str = "injected"
    """The message with it."""
    lands: bool = False
    """Whether the server gets the request, and only its reply is lost."""
    info: dict[str, str] = field(default_factory=dict)
    """What an `ErrorInfo` in the reply's details says."""
    reason: str = ""
    """Its reason."""
    meanwhile: Callable[[], object] = lambda: None
    """What others do before the client hears of it."""


class Relay(grpc.GenericRpcHandler):
    """Passes calls on, but for the faults that a test has put up."""

    def __init__(self, upstream: str) -> None:
        self._channel = grpc.insecure_channel(upstream)
        self.faults: dict[str, list[Fault]] = defaultdict(list)
        """By name of a method, in the order of its calls."""
        self.calls: Counter[str] = Counter()
        """How often each method was called."""
        self.requests: dict[str, list[bytes]] = defaultdict(list)
        """What it was called with."""
        self.address = ""

    def service(self, handler_call_details):
        method = handler_call_details.method
        name = method.rpartition("/")[2]

        def relay(request, context):
            self.calls[name] += 1
            self.requests[name].append(request)
            fault = self.faults[name].pop(0) if self.faults[name] else None
            replies = [] if fault and not fault.lands else self._ask(method, request, context)
            if fault:
                fault.meanwhile()
                _refuse(fault, context)
            yield from replies

        # On the wire a stream of one reply is the same as a single reply.
        return grpc.unary_stream_rpc_method_handler(relay)

    def _ask(self, method, request, context):
        headers = [one for one in context.invocation_metadata() if not one[0].startswith(OURS)]
        try:
            ask = self._channel.unary_stream(method)
            return list(ask(request, metadata=headers, timeout=context.time_remaining()))
        except grpc.RpcError as error:
            context.abort(error.code(), error.details())

    def close(self):
        self._channel.close()


def _refuse(fault, context):
    status = Status(code=fault.code.value[0], message=fault.says)
    if fault.info or fault.reason:
        detail = Any()
        detail.Pack(ErrorInfo(reason=fault.reason, metadata=fault.info))
        status.details.append(detail)
    context.abort_with_status(rpc_status.to_status(status))


@contextmanager
def relay_to(upstream: str):
    """A relay to `host:port`; its own is its `address`."""
    relay = Relay(upstream)
    server = grpc.server(ThreadPoolExecutor(32), options=[("grpc.max_receive_message_length", -1)])
    server.add_generic_rpc_handlers((relay,))
    relay.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield relay
    finally:
        server.stop(None).wait()
        relay.close()
