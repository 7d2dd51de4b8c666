//! prost as an oracle: random messages of the conformance suite's types go from us through prost and
//! back, and from prost through us and back.
//!
//! `rust-grpc-oracles SEED COUNT`. prost keeps no unknown fields and knows neither extensions nor
//! editions: Python's protobuf is the oracle for those.

mod random;

use std::error::Error;
use std::process::ExitCode;

use rust_grpc::Message;
use rust_grpc::message::Reflect;

use self::random::Random;

mod ours {
    rust_grpc::include_protos!();
}

#[allow(clippy::all, clippy::pedantic, dead_code, missing_docs, reason = "generated code")]
mod theirs {
    include!(concat!(env!("OUT_DIR"), "/prost.rs"));
}

use ours::protobuf_test_messages::proto2::TestAllTypesProto2;
use ours::protobuf_test_messages::proto3::TestAllTypesProto3;
use theirs::protobuf_test_messages::proto2::TestAllTypesProto2 as ProstProto2;
use theirs::protobuf_test_messages::proto3::TestAllTypesProto3 as ProstProto3;

fn main() -> ExitCode {
    match run() {
        Ok(count) => {
            println!("prost: {count} messages there and back, as binary");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<u64, Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut number = || -> Result<u64, Box<dyn Error>> {
        Ok(arguments.next().ok_or("expected SEED COUNT")?.parse()?)
    };
    let (seed, count) = (number()?, number()?);
    for index in 0..count {
        let seed = seed.wrapping_mul(1_000_003).wrapping_add(index);
        let checked = check::<TestAllTypesProto2, ProstProto2>(seed)
            .and_then(|()| check::<TestAllTypesProto3, ProstProto3>(seed));
        checked.map_err(|error| format!("the seed of this message is {seed}: {error}"))?;
    }
    Ok(count * 2)
}

/// Makes a message and compares by bytes, because NaN is not equal to itself.
fn check<M: Message + Reflect, P: prost::Message + Default>(
    seed: u64,
) -> Result<(), Box<dyn Error>> {
    let mut message = M::default();
    Random::new(seed).fill(&mut message, 0);
    let sent = message.encode_to_vec();
    same(&sent, &M::decode(&sent)?.encode_to_vec(), "through nobody")?;
    let theirs = P::decode(sent.as_slice())?;
    let back = M::decode(&theirs.encode_to_vec())?;
    same(&sent, &back.encode_to_vec(), "ours through prost")?;
    let sent = theirs.encode_to_vec();
    let back = P::decode(M::decode(&sent)?.encode_to_vec().as_slice())?;
    same(&sent, &back.encode_to_vec(), "prost's through ours")
}

fn same(sent: &[u8], got: &[u8], what: &str) -> Result<(), Box<dyn Error>> {
    match sent == got {
        true => Ok(()),
        false => Err(format!("{what}: sent {}, got {}", hex(sent), hex(got)).into()),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
