"""The clients of grpcio-channelz, grpcio-health-checking and grpcio-reflection against the services of our server."""

import time

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_channelz.v1 import channelz_pb2, channelz_pb2_grpc
from grpc_channelz.v1.channelz import ChannelzServicer
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


def code_of(call):
    try:
        call()
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK


def socket_of(channelz, channel):
    """The only connection of the only subchannel of a channel."""
    request = channelz_pb2.GetSubchannelRequest(subchannel_id=channel.subchannel_ref[0].subchannel_id)
    subchannel = channelz.GetSubchannel(request, None).subchannel
    request = channelz_pb2.GetSocketRequest(socket_id=subchannel.socket_ref[0].socket_id)
    return channelz.GetSocket(request, None).socket


class Blocking:
    """Our service, asked as C-core's is in this process."""

    def __init__(self, channel):
        self.stub = channelz_pb2_grpc.ChannelzStub(channel)

    def __getattr__(self, name):
        return lambda request, _context: getattr(self.stub, name)(request, timeout=TIMEOUT)


def channelz_of_servers(channel):
    """Both ends of a connection tell the same of it: C-core of this process, and our server."""
    target = channel._channel.target().decode()
    with grpc.insecure_channel(target, options=(("grpc.use_local_subchannel_pool", 1),)) as counted:
        stub = rpc.InteropStub(counted)
        for code in (0, 0, 5):
            expect("code", code_of(lambda: stub.Echo(pb.EchoRequest(code=code), timeout=TIMEOUT)).value[0], code)
        expect("chunks", len(list(stub.Chat((pb.Chunk(number=n) for n in range(20)), timeout=TIMEOUT))), 20)

        core, ours = ChannelzServicer(), Blocking(channel)
        start = channelz_pb2.GetTopChannelsRequest(start_channel_id=0)
        # C-core numbers channels as they are asked for: the calls tell which one it is.
        seen = [each for each in core.GetTopChannels(start, None).channel if each.data.calls_started == 4]
        expect("channels with so many calls", len(seen), 1)
        near = socket_of(core, seen[0])

        servers = ours.GetServers(channelz_pb2.GetServersRequest(), None)
        expect("servers", (len(servers.server), servers.end), (1, True))
        server = servers.server[0]
        expect("the same server", ours.GetServer(channelz_pb2.GetServerRequest(server_id=server.ref.server_id), None).server.ref, server.ref)
        if server.data.calls_started <= server.data.calls_succeeded or not server.data.calls_failed:
            raise AssertionError(f"expected calls that run and that have failed: {server.data}")
        listening = ours.GetSocket(channelz_pb2.GetSocketRequest(socket_id=server.listen_socket[0].socket_id), None).socket
        sockets = ours.GetServerSockets(channelz_pb2.GetServerSocketsRequest(server_id=server.ref.server_id), None)
        expect("all sockets", sockets.end, True)
        far = ours.GetSocket(channelz_pb2.GetSocketRequest(socket_id=sockets.socket_ref[-1].socket_id), None).socket
        expect("kind", far.local.WhichOneof("address"), listening.local.WhichOneof("address"))
        if target.startswith("ipv4:"):
            expect("where it listens", f"ipv4:127.0.0.1:{listening.local.tcpip_address.port}", target)
            expect("far end", (far.local.tcpip_address.port, far.remote.tcpip_address.port),
                   (near.remote.tcpip_address.port, near.local.tcpip_address.port))
        until(lambda: ours.GetSocket(channelz_pb2.GetSocketRequest(socket_id=far.ref.socket_id), None).socket.data.messages_sent == 22)
        far = ours.GetSocket(channelz_pb2.GetSocketRequest(socket_id=far.ref.socket_id), None).socket.data
        near = near.data
        expect("streams", (far.streams_started, far.streams_succeeded, far.streams_failed),
               (near.streams_started, near.streams_succeeded, near.streams_failed))
        expect("messages", (far.messages_sent, far.messages_received), (near.messages_received, near.messages_sent))


def channelz_of_channels(channel):
    ours = Blocking(channel)
    channels = ours.GetTopChannels(channelz_pb2.GetTopChannelsRequest(), None)
    expect("channels", (len(channels.channel), channels.end), (1, True))
    seen = channels.channel[0]
    expect("target", seen.data.target, channel._channel.target().decode())
    expect("calls", (seen.data.calls_started, seen.data.calls_succeeded, seen.data.calls_failed), (1, 1, 0))
    expect("state", seen.data.state.state, channelz_pb2.ChannelConnectivityState.READY)
    request = channelz_pb2.GetChannelRequest(channel_id=seen.ref.channel_id)
    expect("the same", ours.GetChannel(request, None).channel, seen)
    expect("messages", socket_of(ours, seen).data.messages_sent, 1)
    for request in (channelz_pb2.GetSocketRequest(socket_id=1 << 40), channelz_pb2.GetChannelRequest(channel_id=-1)):
        ask = getattr(ours, type(request).__name__.removesuffix("Request"))
        expect("of nobody", code_of(lambda: ask(request, None)), grpc.StatusCode.NOT_FOUND)


def until(holds):
    end = time.monotonic() + TIMEOUT
    while not holds():
        if time.monotonic() > end:
            raise AssertionError("it never came")


CASES = [channelz_of_servers, channelz_of_channels, health_check, health_list, health_watch, reflection_v1alpha, reflection_v1, reflection_errors]
