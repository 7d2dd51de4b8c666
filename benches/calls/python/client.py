"""`client.py PORT WORKLOAD`: once SIZE, unary CALLERS SIZE SECONDS, stream COUNT SIZE or bidi SIZE SECONDS."""

import json
import queue
import sys
import threading
import time

import grpc

import bench_pb2
import bench_pb2_grpc

LIMIT = 64 << 20
OPTIONS = [("grpc.max_receive_message_length", LIMIT), ("grpc.max_send_message_length", LIMIT)]
WARM_UP = 0.25


def repeat(size, seconds, call, latencies):
    begun = time.perf_counter()
    until = begun + seconds
    while begun < until:
        assert len(call().payload) == size
        now = time.perf_counter()
        latencies.append(now - begun)
        begun = now


def phase(callers, size, seconds, call):
    latencies = []
    if callers == 1:
        repeat(size, seconds, call, latencies)
        return latencies
    threads = [threading.Thread(target=repeat, args=(size, seconds, call, latencies)) for _ in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return latencies


def timed(callers, size, seconds, call):
    warm_up = len(phase(callers, size, seconds * WARM_UP, call))
    cpu, started = time.process_time(), time.perf_counter()
    latencies = phase(callers, size, seconds, call)
    report(len(latencies), size, time.perf_counter() - started, time.process_time() - cpu, latencies, warm_up)


def report(count, size, elapsed, cpu, latencies=(), warm_up=0):
    line = {"n": count, "n_warm_up": warm_up, "secs": elapsed, "rate": count / elapsed}
    if latencies:
        latencies = sorted(latencies)
        for name, part in [("p50_us", 0.5), ("p99_us", 0.99)]:
            line[name] = latencies[min(int(count * part), count - 1)] * 1e6
    print(json.dumps({**line, "client_cpu_s": cpu, "MBps": count * size / elapsed / 1e6}))


def main():
    port, workload, *numbers = sys.argv[1:]
    channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=OPTIONS)
    stub = bench_pb2_grpc.BenchStub(channel)
    if workload == "once":
        size = int(numbers[0])
        assert len(stub.Unary(bench_pb2.Req(payload=b"x" * size)).payload) == size
    elif workload == "unary":
        size = int(numbers[1])
        request = bench_pb2.Req(payload=b"x" * size)
        timed(int(numbers[0]), size, float(numbers[2]), lambda: stub.Unary(request))
    elif workload == "stream":
        count, size = map(int, numbers)
        cpu, started = time.process_time(), time.perf_counter()
        left = count
        for reply in stub.ServerStream(bench_pb2.StreamReq(count=count, size=size)):
            assert len(reply.payload) == size
            left -= 1
        assert left == 0
        report(count, size, time.perf_counter() - started, time.process_time() - cpu)
    elif workload == "bidi":
        size = int(numbers[0])
        request = bench_pb2.Req(payload=b"x" * size)
        requests = queue.SimpleQueue()
        replies = stub.Bidi(iter(requests.get, None))

        def exchange():
            requests.put(request)
            return next(replies)

        timed(1, size, float(numbers[1]), exchange)
        requests.put(None)
    else:
        sys.exit(f"expected once, unary, stream or bidi, got {workload}")


if __name__ == "__main__":
    main()
