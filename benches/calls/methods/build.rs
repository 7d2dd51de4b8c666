//! Writes a .proto file of services with 1, 10, 100 and 1,000 methods, and generates them.

use std::error::Error;
use std::fmt::Write;

const SIZES: [usize; 4] = [1, 10, 100, 1000];
const MESSAGES: &str = r#"syntax = "proto3";

package methods;

message Req {
  bytes payload = 1;
}

message Resp {
  bytes payload = 1;
}
"#;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let mut proto = MESSAGES.to_owned();
    for size in SIZES {
        writeln!(proto, "\nservice Of{size} {{")?;
        for number in 1..=size {
            writeln!(proto, "  rpc Method{number}(Req) returns (Resp);")?;
        }
        writeln!(proto, "}}")?;
    }
    let path = std::env::var("OUT_DIR")? + "/methods.proto";
    std::fs::write(&path, proto)?;
    rust_grpc_codegen::compile(&path)?;
    Ok(())
}
