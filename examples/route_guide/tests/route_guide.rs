//! The programs of this package, run as a person would.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// A server that is killed when the test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself, which the test has noticed then.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the server on a port that the system chooses and returns its target.
fn start_server() -> (Running, String) {
    let mut server = Command::new(env!("CARGO_BIN_EXE_route-guide-server"))
        .arg("127.0.0.1:0")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let target = line.trim().strip_prefix("listening on ").unwrap().to_owned();
    (Running(server), target)
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The client makes a call of each kind and prints what came of it.
#[test]
fn the_client_makes_a_call_of_each_kind() {
    let (_server, target) = start_server();
    let printed = output(Command::new(env!("CARGO_BIN_EXE_route-guide-client")).arg(&target));
    let expected = "\
== GetFeature
Rigi, summit at 470567000, 84853000
nothing at 0, 0
== ListFeatures
Zurich, main station at 473773000, 85415000
Zurich, Lindenhof at 473665000, 85483000
Rapperswil, castle at 472340000, 88230000
Lucerne, Chapel Bridge at 470500000, 83050000
Rigi, summit at 470567000, 84853000
Pilatus, summit at 469790000, 82520000
Altdorf, market place at 468650000, 86000000
== RecordRoute
20 points, 20 features, 938 km
== RouteChat
at 1: first
at 1: first
at 1: third
";
    assert_eq!(printed, expected);
}
