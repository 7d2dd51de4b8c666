"""Python's grpcio as the client: every case is run against the server whose address is given.

    python client.py ADDRESS
"""

import sys
import threading
import time
import traceback
from concurrent import futures

import grpc

import interop_pb2 as pb
import interop_pb2_grpc as rpc
import services

TIMEOUT = 60
MEBIBYTE = 1 << 20
WORDS = "找不到:你好,世界 🦀🚀 100% ü\n"


def expect(what, got, wanted):
    if got != wanted:
        raise AssertionError(f"{what}: expected {wanted!r}, got {got!r}")


def failure(call):
    """The error that `call` ends with."""
    try:
        call()
    except grpc.RpcError as error:
        return error
    raise AssertionError("expected an error, got a reply")


def unary(stub):
    for size in (0, 1, 1000, 70_000):
        payload = bytes(range(256)) * (size // 256 + 1)
        expect("payload", stub.Echo(pb.EchoRequest(payload=payload[:size]), timeout=TIMEOUT).payload, payload[:size])


def server_streaming(stub):
    chunks = list(stub.Download(pb.DownloadRequest(count=17, size=5000), timeout=TIMEOUT))
    expect("numbers", [chunk.number for chunk in chunks], list(range(17)))
    expect("sizes", {len(chunk.payload) for chunk in chunks}, {5000})
    expect("empty stream", list(stub.Download(pb.DownloadRequest(), timeout=TIMEOUT)), [])


def client_streaming(stub):
    summary = stub.Upload((pb.Chunk(payload=bytes(3000)) for _ in range(50)), timeout=TIMEOUT)
    expect("summary", (summary.count, summary.bytes), (50, 150_000))
    expect("empty stream", stub.Upload(iter(()), timeout=TIMEOUT).count, 0)


def bidirectional(stub):
    # Ping-pong: the next chunk is sent only once the last has come back.
    turn = threading.Semaphore(1)

    def chunks():
        for number in range(20):
            turn.acquire()
            yield pb.Chunk(number=number, payload=bytes(number))

    numbers = []
    for chunk in stub.Chat(chunks(), timeout=TIMEOUT):
        numbers.append(chunk.number)
        turn.release()
    expect("numbers", numbers, list(range(20)))


def metadata(stub):
    sent = (
        ("x-echo-initial", "plain value"),
        ("x-echo-initial-bin", bytes(range(256))),
        ("x-echo-initial-repeated", "one"),
        ("x-echo-initial-repeated", "two"),
        ("x-echo-trailing", "at the end"),
        ("x-echo-trailing-bin", b"\x00\xff"),
        ("x-echo-trailing-bin", b""),
    )
    _, call = stub.Echo.with_call(pb.EchoRequest(), metadata=sent, timeout=TIMEOUT)
    got = [tuple(entry) for entry in call.initial_metadata() if entry.key.startswith("x-")]
    expect("initial metadata", got, [e for e in sent if e[0].startswith("x-echo-initial")])
    got = [tuple(entry) for entry in call.trailing_metadata() if entry.key.startswith("x-")]
    expect("trailing metadata", got, [e for e in sent if e[0].startswith("x-echo-trailing")])


def metadata_of_streams(stub):
    sent = (("x-echo-initial", "a"), ("x-echo-trailing", "b"))
    call = stub.Chat(iter([pb.Chunk()]), metadata=sent, timeout=TIMEOUT)
    expect("initial metadata", dict(call.initial_metadata()).get("x-echo-initial"), "a")
    expect("chunks", len(list(call)), 1)
    expect("trailing metadata", dict(call.trailing_metadata()).get("x-echo-trailing"), "b")


def status(stub):
    error = failure(lambda: stub.Echo(pb.EchoRequest(code=5, message=WORDS), metadata=(("x-echo-trailing", "why"),), timeout=TIMEOUT))
    expect("code", error.code(), grpc.StatusCode.NOT_FOUND)
    expect("details", error.details(), WORDS)
    expect("trailing metadata", dict(error.trailing_metadata()).get("x-echo-trailing"), "why")


def every_code(stub):
    for code in grpc.StatusCode:
        if code is not grpc.StatusCode.OK:
            error = failure(lambda: stub.Echo(pb.EchoRequest(code=code.value[0], message="m"), timeout=TIMEOUT))
            expect("code", error.code(), code)


def unimplemented(stub):
    error = failure(lambda: stub.Missing(pb.EchoRequest(), timeout=TIMEOUT))
    expect("code", error.code(), grpc.StatusCode.UNIMPLEMENTED)


def deadline(stub):
    started = time.monotonic()
    call = stub.Hang(pb.HangRequest(name="py-deadline"), timeout=0.3)
    expect("code", failure(lambda: list(call)).code(), grpc.StatusCode.DEADLINE_EXCEEDED)
    if time.monotonic() - started > 30:
        raise AssertionError("the deadline came late")
    stub.AwaitEnd(pb.HangRequest(name="py-deadline"), timeout=TIMEOUT)


def cancellation(stub):
    call = stub.Hang(pb.HangRequest(name="py-cancel"), timeout=TIMEOUT)
    next(call)
    call.cancel()
    expect("code", failure(lambda: next(call)).code(), grpc.StatusCode.CANCELLED)
    stub.AwaitEnd(pb.HangRequest(name="py-cancel"), timeout=TIMEOUT)


def three_mebibytes(stub):
    payload = bytes(range(256)) * (3 * MEBIBYTE // 256)
    expect("payload", stub.Echo(pb.EchoRequest(payload=payload), timeout=TIMEOUT).payload, payload)


def over_the_limit(stub):
    error = failure(lambda: stub.Echo(pb.EchoRequest(payload=bytes(5 * MEBIBYTE)), timeout=TIMEOUT))
    expect("code", error.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
    unary(stub)


def long_stream_down(stub):
    numbers = (chunk.number for chunk in stub.Download(pb.DownloadRequest(count=100_000, size=10), timeout=TIMEOUT))
    expect("in order", all(got == wanted for got, wanted in zip(numbers, range(100_000), strict=True)), True)


def long_stream_up(stub):
    summary = stub.Upload((pb.Chunk(number=number, payload=b"0123456789") for number in range(100_000)), timeout=TIMEOUT)
    expect("summary", (summary.count, summary.bytes), (100_000, 1_000_000))


def a_thousand_calls_from_16_threads(stub):
    def call(number):
        payload = number.to_bytes(4, "little") * 10
        return stub.Echo(pb.EchoRequest(payload=payload), timeout=TIMEOUT).payload == payload

    with futures.ThreadPoolExecutor(max_workers=16) as pool:
        expect("replies", all(pool.map(call, range(1000))), True)


CASES = [
    unary, server_streaming, client_streaming, bidirectional, metadata, metadata_of_streams, status, every_code,
    unimplemented, deadline, cancellation, three_mebibytes, over_the_limit, long_stream_down, long_stream_up,
    a_thousand_calls_from_16_threads,
]


def main():
    failed = 0
    options = [("grpc.max_receive_message_length", 4 * MEBIBYTE)]
    with grpc.insecure_channel(sys.argv[1], options=options) as channel:
        stub = rpc.InteropStub(channel)
        for case, target in [(case, stub) for case in CASES] + [(case, channel) for case in services.CASES]:
            started = time.monotonic()
            try:
                case(target)
            except Exception:
                failed += 1
                print(f"FAILED {case.__name__}", flush=True)
                traceback.print_exc()
            else:
                print(f"ok     {case.__name__} ({time.monotonic() - started:.2f} s)", flush=True)
    print(f"grpcio client, our server: {len(CASES) + len(services.CASES) - failed} passed, {failed} failed", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
