//! Generates the messages of the golden case `messages_prost` with prost-build; its services are in
//! `golden/`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let case = "../../testdata/messages_prost";
    let files = ["messages_prost.proto", "type/kinds.proto"].map(|file| format!("{case}/{file}"));
    prost_build::Config::new()
        .protoc_executable(protoc_bin_vendored::protoc_bin_path()?)
        .bytes([".messages_prost"])
        .include_file("pb.rs")
        .compile_protos(&files, &[case.into(), protoc_bin_vendored::include_path()?])?;
    Ok(())
}
