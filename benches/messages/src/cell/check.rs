//! Every operation of a peer gives what the input says, as another runtime reads it: else it is not timed.

use crate::peers::{Codec, Json, KeptBuffer, KeptMessage};
use crate::workloads::Workload;

/// A runtime whose messages can be compared.
pub(super) trait Judge: Codec<Message: PartialEq> {}

impl<C: Codec<Message: PartialEq>> Judge for C {}

/// What is decoded and encoded is the input, byte for byte where there are no maps.
pub(super) fn encoded<C: Codec, J: Judge>(workload: &Workload) {
    for sample in &workload.samples {
        bytes::<C, J>(workload, sample, &C::encode(&C::decode(sample)));
    }
}

/// A message that is used again is the same as a new one.
pub(super) fn merged<C: KeptMessage>(workload: &Workload) {
    let mut merged = C::decode(&workload.samples[0]);
    for sample in workload.samples.iter().rev() {
        C::merge(&mut merged, sample);
        let what = format!("{} {}", C::PEER, workload.name);
        assert!(merged == C::decode(sample), "{what}: merged is not decoded");
    }
}

/// What is encoded into a buffer that is used again is the input.
pub(super) fn encoded_kept<C: KeptBuffer, J: Judge>(workload: &Workload) {
    let mut buffer = C::Buffer::default();
    for sample in &workload.samples {
        C::encode_kept(&C::decode(sample), &mut buffer);
        bytes::<C, J>(workload, sample, C::kept_bytes(&buffer));
    }
}

/// The JSON that is printed says the input to the judge, and `texts` say it to the peer.
pub(super) fn json<C: Json, J: Judge + Json>(workload: &Workload, texts: &[String]) {
    for (sample, text) in workload.samples.iter().zip(texts) {
        let printed = C::to_json(&C::decode(sample));
        let what = format!("{} {}", C::PEER, workload.name);
        let read = J::from_json(&printed);
        assert!(read == J::decode(sample), "{what}: printed another message as JSON");
        bytes::<C, J>(workload, sample, &C::encode(&C::from_json(text)));
    }
}

fn bytes<C: Codec, J: Judge>(workload: &Workload, sample: &[u8], bytes: &[u8]) {
    let what = format!("{} {}", C::PEER, workload.name);
    assert!(J::decode(bytes) == J::decode(sample), "{what}: encoded to another message");
    assert!(workload.has_maps || bytes == sample, "{what}: encoded to other bytes");
}
