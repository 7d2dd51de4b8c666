"""What the matrix needs of an implementation: a server that is started, and a client that runs one case."""

import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import toolbox  # noqa: E402

WORK = ROOT / "target" / "interop"
GRPC_VERSION = "1.51.1"
GRPC_SOURCE = f"grpc={GRPC_VERSION}-3"

# The cases of gRPC's interop-test-descriptions that need no cloud account, with those that only C++ has.
CASES = [
    "empty_unary",
    "cacheable_unary",
    "large_unary",
    "client_compressed_unary",
    "server_compressed_unary",
    "client_streaming",
    "client_compressed_streaming",
    "server_streaming",
    "server_compressed_streaming",
    "ping_pong",
    "empty_stream",
    "custom_metadata",
    "status_code_and_message",
    "special_status_message",
    "unimplemented_method",
    "unimplemented_service",
    "cancel_after_begin",
    "cancel_after_first_response",
    "timeout_on_sleeping_server",
    "concurrent_large_unary",
    "half_duplex",
    "slow_consumer",
    "rpc_soak",
    "channel_soak",
    "long_lived_channel",
]


class Peer:
    """An implementation. `lacks_client` and `lacks_server` name what it cannot do, each case with the reason."""

    name = ""
    lacks_client: dict[str, str] = {}
    lacks_server: dict[str, str] = {}

    def prepare(self):
        """Fetches and builds what is missing."""

    def server(self, port, tls):
        """The command that serves on `port`, its environment and its folder."""
        raise NotImplementedError

    def client(self, port, case, tls):
        """The same for the command that runs `case` against `port`."""
        raise NotImplementedError

    def passed(self, case, ended):
        """Whether the client's end says that the case passed."""
        return ended.returncode == 0


def grpc_source():
    """gRPC's own source, for the schemas, the credentials and the programs of its tests; from Debian."""
    folder = WORK / f"grpc-{GRPC_VERSION}"
    if not folder.exists():
        WORK.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=WORK) as work:
            work = pathlib.Path(work)
            apt = toolbox.private_apt(work, f"deb-src {toolbox.debian_mirror()} {toolbox.DEBIAN} main")
            command = [*apt, "source", "--download-only", GRPC_SOURCE]
            subprocess.run(command, cwd=work, check=True, stdout=sys.stderr)
            [archive] = work.glob("*.orig.tar.*")
            with tarfile.open(archive) as source:
                source.extractall(work, filter="data")
            [found] = [path for path in work.iterdir() if path.is_dir() and path.name.startswith("grpc-")]
            shutil.move(found, folder)
    return folder


def credentials():
    """The folder of the tests' certificates: ca.pem, server1.pem, server1.key."""
    return grpc_source() / "src" / "core" / "tsi" / "test_creds"


# The name that the certificate of the tests' servers is for.
TLS_NAME = "foo.test.google.fr"


def official_client_flags(port, case, tls):
    """The flags that every language's client takes."""
    flags = [f"--server_port={port}", "--server_host=localhost", f"--test_case={case}"]
    if tls:
        return [*flags, "--use_tls=true", "--use_test_ca=true", f"--server_host_override={TLS_NAME}"]
    return [*flags, "--use_tls=false"]
