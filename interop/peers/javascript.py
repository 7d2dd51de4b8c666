"""@grpc/grpc-js from npm, with the client and the server of js/."""

import hashlib
import shutil

from . import peer

SOURCES = peer.ROOT / "interop" / "peers" / "js"
PACKAGES = ["@grpc/grpc-js@1.14.0", "@grpc/proto-loader@0.8.0"]
NO_FLAG = "grpc-js neither shows nor chooses for one message whether it is compressed"


class JavaScript(peer.Peer):
    name = "grpc-js"
    lacks_client = {case: NO_FLAG for case in peer.CASES if "compressed" in case} | {
        "concurrent_large_unary": "grpc-js's client resets calls while node holds over 10 MB of its own requests",
    }
    lacks_server = {case: NO_FLAG for case in peer.CASES if "compressed" in case}

    def prepare(self):
        digest = hashlib.sha256("\n".join(PACKAGES).encode()).hexdigest()[:16]
        self.folder = peer.WORK / f"js-{digest}"
        if not (self.folder / "installed").exists():
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
            peer.toolbox.npm_install(self.folder, *PACKAGES)
            (self.folder / "installed").touch()

    def command(self, program, flags):
        environment = {
            "NODE_PATH": str(self.folder / "node_modules"),
            "TESTING_PROTO": str(peer.ROOT / "interop" / "suite" / "proto" / "testing.proto"),
        }
        return ["node", SOURCES / program, *flags], environment, self.folder

    def server(self, port, tls):
        folder = peer.credentials()
        flags = [f"--port={port}", f"--use_tls={str(tls).lower()}"]
        return self.command(
            "server.js", [*flags, f"--certificate={folder / 'server1.pem'}", f"--key={folder / 'server1.key'}"]
        )

    def client(self, port, case, tls):
        flags = peer.official_client_flags(port, case, tls)
        return self.command("client.js", [*flags, f"--test_ca={peer.credentials() / 'ca.pem'}"])
