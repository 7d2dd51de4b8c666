"""`server.py PORT`: serves the benchmark on 127.0.0.1 with grpcio's defaults, but for messages of up to 64 MiB."""

import sys
from concurrent import futures

import grpc

import bench_pb2
import bench_pb2_grpc

LIMIT = 64 << 20
OPTIONS = [("grpc.max_receive_message_length", LIMIT), ("grpc.max_send_message_length", LIMIT)]


class Echo(bench_pb2_grpc.BenchServicer):
    def Unary(self, request, context):
        return bench_pb2.Resp(payload=request.payload)

    def ServerStream(self, request, context):
        reply = bench_pb2.Resp(payload=b"x" * request.size)
        for _ in range(request.count):
            yield reply

    def Bidi(self, requests, context):
        for request in requests:
            yield bench_pb2.Resp(payload=request.payload)


def main():
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=10), options=OPTIONS)
    bench_pb2_grpc.add_BenchServicer_to_server(Echo(), server)
    server.add_insecure_port(f"127.0.0.1:{sys.argv[1]}")
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    main()
