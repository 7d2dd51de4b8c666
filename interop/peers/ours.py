"""rust-grpc: interop/suite."""

import pathlib

from . import peer


class Ours(peer.Peer):
    name = "rust-grpc"

    def __init__(self, binaries):
        self.binaries = pathlib.Path(binaries)

    def server(self, port, tls):
        command = [self.binaries / "grpc-interop-server", f"--port={port}", f"--use_tls={str(tls).lower()}",
                   "--stop_with_input=true"]
        if tls:
            folder = peer.credentials()
            command += [f"--tls_certificate={folder / 'server1.pem'}", f"--tls_key={folder / 'server1.key'}"]
        return command, {}, peer.ROOT

    def client(self, port, case, tls):
        flags = peer.official_client_flags(port, case, tls)
        if tls:
            flags.append(f"--test_ca={peer.credentials() / 'ca.pem'}")
        # The pauses of slow_consumer show nothing more when they are long.
        return [self.binaries / "grpc-interop-client", *flags, "--slow_consumer_delay_ms=1"], {}, peer.ROOT
