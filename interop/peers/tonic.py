"""tonic from crates, with the client and the server of tonic/."""

import subprocess

from . import peer

MANIFEST = peer.ROOT / "interop" / "peers" / "tonic" / "Cargo.toml"
NO_FLAG = "tonic does not show whether a message was compressed"
NO_TRAILERS = "tonic's server sends no trailing metadata with OK"


class Tonic(peer.Peer):
    name = "tonic"
    lacks_client = {case: NO_FLAG for case in peer.CASES if "compressed" in case} | {
        "cancel_after_begin": "tonic cancels a call by dropping it, and then there is no status",
        "timeout_on_sleeping_server": "tonic's client ends a late call with CANCELLED when its own clock is first",
    }
    lacks_server = {case: NO_FLAG for case in peer.CASES if "compressed" in case} | {"custom_metadata": NO_TRAILERS}

    def prepare(self):
        target = peer.WORK / "tonic"
        command = ["cargo", "build", "--quiet", "--release", "--locked", "--manifest-path", MANIFEST]
        subprocess.run([*command, "--target-dir", target], check=True)
        self.binaries = target / "release"

    def server(self, port, tls):
        folder = peer.credentials()
        flags = [f"--port={port}", f"--use_tls={str(tls).lower()}"]
        files = [f"--certificate={folder / 'server1.pem'}", f"--key={folder / 'server1.key'}"]
        return [self.binaries / "tonic-interop-server", *flags, *files], {}, peer.WORK

    def client(self, port, case, tls):
        flags = peer.official_client_flags(port, case, tls)
        command = [self.binaries / "tonic-interop-client", *flags, f"--test_ca={peer.credentials() / 'ca.pem'}"]
        return command, {}, peer.WORK
