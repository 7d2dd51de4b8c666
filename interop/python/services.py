"""The clients of grpcio-health-checking and grpcio-reflection against the services of our server."""

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

import interop_pb2 as pb
import interop_pb2_grpc as rpc

TIMEOUT = 60
SERVING, NOT_SERVING, SERVICE_UNKNOWN = (
    health_pb2.HealthCheckResponse.SERVING,
    health_pb2.HealthCheckResponse.NOT_SERVING,
    health_pb2.HealthCheckResponse.SERVICE_UNKNOWN,
)


def expect(what, got, wanted):
    if got != wanted:
        raise AssertionError(f"{what}: expected {wanted!r}, got {got!r}")


def health_check(channel):
    stub = health_pb2_grpc.HealthStub(channel)
    for service in ("", "interop.Interop"):
        status = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=TIMEOUT).status
        expect(f"status of {service!r}", status, SERVING)
    try:
        stub.Check(health_pb2.HealthCheckRequest(service="nobody"), timeout=TIMEOUT)
    except grpc.RpcError as error:
        expect("code", error.code(), grpc.StatusCode.NOT_FOUND)
    else:
        raise AssertionError("expected NOT_FOUND, got a status")


def health_list(channel):
    statuses = health_pb2_grpc.HealthStub(channel).List(health_pb2.HealthListRequest(), timeout=TIMEOUT).statuses
    expect("status of all", statuses[""].status, SERVING)
    expect("status of one", statuses["interop.Interop"].status, SERVING)


def health_watch(channel):
    # A call of Hang makes `hang.NAME` SERVING for as long as it runs.
    watch = health_pb2_grpc.HealthStub(channel).Watch(
        health_pb2.HealthCheckRequest(service="hang.py-watch"), timeout=TIMEOUT
    )
    expect("first", next(watch).status, SERVICE_UNKNOWN)
    call = rpc.InteropStub(channel).Hang(pb.HangRequest(name="py-watch"), timeout=TIMEOUT)
    next(call)
    expect("while it runs", next(watch).status, SERVING)
    call.cancel()
    expect("at its end", next(watch).status, NOT_SERVING)
    watch.cancel()


class V1:
    """The channel with the name of reflection v1 in place of v1alpha; the messages are the same."""

    def __init__(self, channel):
        self.channel = channel

    def stream_stream(self, method, *arguments, **keywords):
        return self.channel.stream_stream(method.replace("v1alpha", "v1"), *arguments, **keywords)


def reflection_v1alpha(channel):
    database = ProtoReflectionDescriptorDatabase(channel)
    for service in ("interop.Interop", "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection",
                    "grpc.reflection.v1.ServerReflection"):
        if service not in database.get_services():
            raise AssertionError(f"{service} is not listed: {database.get_services()}")
    pool = DescriptorPool(database)
    interop = pool.FindServiceByName("interop.Interop")
    ours, theirs = ([method.name for method in each.methods] for each in (interop, pb.DESCRIPTOR.services_by_name["Interop"]))
    expect("methods", ours, theirs)
    expect("input", interop.methods_by_name["Echo"].input_type.fields_by_name["payload"].number,
           pb.EchoRequest.DESCRIPTOR.fields_by_name["payload"].number)
    expect("a file by its name", pool.FindFileByName("grpc/health/v1/health.proto").package, "grpc.health.v1")
    expect("a message", pool.FindMessageTypeByName("grpc.health.v1.HealthListResponse").fields[0].name, "statuses")
    expect("extensions", list(database.FindAllExtensionNumbers("interop.EchoRequest")), [])
    # The database says None for an extension, and the pool KeyError for all else.
    expect("no extension", database.FindFileContainingExtension("interop.EchoRequest", 1000), None)
    for unknown in (lambda: pool.FindServiceByName("no.Body"), lambda: pool.FindFileByName("no.proto")):
        try:
            unknown()
        except KeyError:
            continue
        raise AssertionError("expected KeyError")


def reflection_v1(channel):
    reflection_v1alpha(V1(channel))


def reflection_errors(channel):
    requests = [
        reflection_pb2.ServerReflectionRequest(host="here", file_by_filename="no.proto"),
        reflection_pb2.ServerReflectionRequest(),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol="interop.Interop.Echo"),
    ]
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    answers = list(stub.ServerReflectionInfo(iter(requests), timeout=TIMEOUT))
    codes = [grpc.StatusCode.NOT_FOUND.value[0], grpc.StatusCode.INVALID_ARGUMENT.value[0], 0]
    expect("codes", [answer.error_response.error_code for answer in answers], codes)
    expect("requests", [answer.original_request for answer in answers], requests)
    expect("host", answers[0].valid_host, "here")
    expect("files", len(answers[2].file_descriptor_response.file_descriptor_proto), 1)


CASES = [health_check, health_list, health_watch, reflection_v1alpha, reflection_v1, reflection_errors]
