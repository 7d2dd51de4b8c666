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
    let mut server = Command::new(env!("CARGO_BIN_EXE_greeter-server"))
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

/// The client prints a greeting for every name.
#[test]
fn the_client_prints_what_the_server_says() {
    let (_server, target) = start_server();
    let mut client = Command::new(env!("CARGO_BIN_EXE_greeter-client"));
    assert_eq!(output(client.args([&target, "Alice", "Bob"])), "Hello, Alice\nHello, Bob\n");
}

/// The demo serves, calls, prints and stops in one process.
#[test]
fn the_demo_serves_calls_and_stops() {
    let printed = output(&mut Command::new(env!("CARGO_BIN_EXE_greeter-demo")));
    let lines: Vec<_> = printed.lines().skip(1).collect();
    assert_eq!(
        lines,
        [
            "\"Alice\" -> Hello, Alice",
            "\"Bob\" -> Hello, Bob",
            "\"\" -> INVALID_ARGUMENT: expected a name, got an empty one",
            "stopped",
        ]
    );
}
