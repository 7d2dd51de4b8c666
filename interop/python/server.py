"""Python's grpcio as the server: what our client calls. Prints its address, stops when standard input ends."""

import sys
import threading
from concurrent import futures

import grpc
from grpc_channelz.v1 import channelz
from grpc_health.v1 import health as health_service
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

import interop_pb2 as pb
import interop_pb2_grpc as rpc

CODES = {code.value[0]: code for code in grpc.StatusCode}
MEBIBYTE = 1 << 20
SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
# The status of `hang.NAME` is SERVING for as long as a call of Hang with that name runs.
health = health_service.HealthServicer()


def copy_metadata(context):
    metadata = context.invocation_metadata()
    initial = [(k, v) for k, v in metadata if k.startswith("x-echo-initial")]
    trailing = [(k, v) for k, v in metadata if k.startswith("x-echo-trailing")]
    if initial:
        context.send_initial_metadata(initial)
    context.set_trailing_metadata(trailing)


class Interop(rpc.InteropServicer):
    def __init__(self):
        self.ended = set()
        self.changed = threading.Condition()

    def Echo(self, request, context):
        copy_metadata(context)
        if request.code:
            context.abort(CODES[request.code], request.message)
        return pb.EchoReply(payload=request.payload)

    def Download(self, request, context):
        copy_metadata(context)
        payload = bytes(request.size)
        for number in range(request.count):
            yield pb.Chunk(number=number, payload=payload)

    def Upload(self, requests, context):
        copy_metadata(context)
        count = size = 0
        for chunk in requests:
            count += 1
            size += len(chunk.payload)
        return pb.UploadSummary(count=count, bytes=size)

    def Chat(self, requests, context):
        copy_metadata(context)
        yield from requests

    def Hang(self, request, context):
        over = threading.Event()

        def end():
            health.set(f"hang.{request.name}", NOT_SERVING)
            with self.changed:
                self.ended.add(request.name)
                self.changed.notify_all()
            over.set()

        # A callback, because grpcio does not resume a generator whose call has ended meanwhile; on a thread of its own,
        # because a message to a watcher waits for the thread that runs callbacks.
        context.add_callback(lambda: threading.Thread(target=end).start())
        health.set(f"hang.{request.name}", SERVING)
        yield pb.Chunk()
        over.wait(60)

    def AwaitEnd(self, request, context):
        with self.changed:
            if not self.changed.wait_for(lambda: request.name in self.ended, context.time_remaining()):
                context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, f"{request.name} still runs")
        return pb.EchoReply()


def main():
    options = [("grpc.max_receive_message_length", 4 * MEBIBYTE)]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=32), options=options)
    rpc.add_InteropServicer_to_server(Interop(), server)
    health.set("interop.Interop", SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    names = ("interop.Interop", health_service.SERVICE_NAME, reflection.SERVICE_NAME)
    reflection.enable_server_reflection(names, server)
    channelz.add_channelz_servicer(server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(f"127.0.0.1:{port}", flush=True)
    sys.stdin.read()
    server.stop(1).wait()


if __name__ == "__main__":
    main()
