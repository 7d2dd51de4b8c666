"""C-core in Python: grpcio from PyPI with gRPC's own interop programs."""

import hashlib
import shutil
import subprocess
import venv

from . import peer

REQUIREMENTS = ["grpcio==1.85.1", "grpcio-tools==1.85.1", "google-auth==2.43.0", "requests==2.32.5", "six==1.17.0"]
NO_CASE = "grpcio's client has no such case"
NO_FLAG = "grpcio does not show whether a message was compressed"
CLIENT_CASES = {
    "empty_unary", "large_unary", "server_streaming", "client_streaming", "ping_pong", "cancel_after_begin",
    "cancel_after_first_response", "empty_stream", "status_code_and_message", "unimplemented_method",
    "unimplemented_service", "custom_metadata", "timeout_on_sleeping_server", "special_status_message",
}


class Python(peer.Peer):
    name = "grpcio"
    lacks_client = {case: NO_CASE for case in peer.CASES if case not in CLIENT_CASES}
    lacks_server = {
        "cacheable_unary": "grpcio's server does not implement CacheableUnaryCall",
        "client_compressed_unary": NO_FLAG,
        "client_compressed_streaming": NO_FLAG,
        "server_compressed_unary": "grpcio's server does not read response_compressed",
        "server_compressed_streaming": "grpcio's server does not read response_compressed",
    }

    def prepare(self):
        digest = hashlib.sha256("\n".join([peer.GRPC_VERSION, *REQUIREMENTS]).encode()).hexdigest()[:16]
        self.folder = peer.WORK / f"python-{digest}"
        self.python = self.folder / "venv" / "bin" / "python"
        if (self.folder / "installed").exists():
            return
        source = peer.grpc_source()
        shutil.rmtree(self.folder, ignore_errors=True)
        venv.EnvBuilder(with_pip=True).create(self.folder / "venv")
        pip = [self.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"]
        subprocess.run([*pip, *REQUIREMENTS], check=True)
        tests = source / "src" / "python" / "grpcio_tests" / "tests"
        shutil.copytree(tests / "interop", self.folder / "tests" / "interop")
        (self.folder / "tests" / "unit").mkdir()
        shutil.copyfile(tests / "unit" / "test_common.py", self.folder / "tests" / "unit" / "test_common.py")
        for package in ["tests", "tests/unit"]:
            (self.folder / package / "__init__.py").touch()
        schemas = [f"src/proto/grpc/testing/{name}.proto" for name in ["empty", "messages", "test"]]
        protoc = [self.python, "-m", "grpc_tools.protoc", f"-I{source}"]
        outputs = [f"--python_out={self.folder}", f"--grpc_python_out={self.folder}"]
        subprocess.run([*protoc, *outputs, *schemas], check=True)
        (self.folder / "installed").touch()

    def server(self, port, tls):
        command = [self.python, "-m", "tests.interop.server", f"--port={port}", f"--use_tls={str(tls).lower()}"]
        return command, {"PYTHONPATH": str(self.folder)}, self.folder

    def client(self, port, case, tls):
        flags = peer.official_client_flags(port, case, tls)
        return [self.python, "-m", "tests.interop.client", *flags], {"PYTHONPATH": str(self.folder)}, self.folder
