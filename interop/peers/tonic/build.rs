//! Generates the messages and the services of the suite's `testing.proto`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let protoc = protoc_bin_vendored::protoc_bin_path()?;
    // SAFETY: a build script has one thread.
    unsafe { std::env::set_var("PROTOC", protoc) };
    tonic_prost_build::configure()
        .compile_protos(&["../../suite/proto/testing.proto"], &["../../suite/proto"])?;
    Ok(())
}
