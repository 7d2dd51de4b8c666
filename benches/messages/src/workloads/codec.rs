//! M1 to M5: small, medium, large, packed, one long field. The sizes are those of codec.proto's comments.

use rust_grpc::Message as _;

use super::{Workload, flat, with_maps};
use crate::random::Random;
use crate::schemas::ours;
use crate::schemas::prost::codec::{Blob, Inner, Kind, Large, Medium, Packed, Small};

pub(super) fn all() -> Vec<Workload> {
    vec![
        flat("M1", 1, small),
        flat("M2", 1, medium),
        with_maps("M3", 1, large, |bytes| {
            ours::codec::Large::decode(bytes).expect("bytes of prost").encode_to_vec()
        }),
        flat("M4", 1, packed),
        flat("M5", 1, |_| Blob { data: vec![9; 1 << 20] }),
    ]
}

fn small(random: &mut Random) -> Small {
    Small {
        id: random.varint(5) as i64,
        code: 200 + random.below(300) as u32,
        ok: true,
        name: random.letters(12),
        email: random.letters(22),
    }
}

fn inner(random: &mut Random) -> Inner {
    Inner {
        a: random.varint(5) as i32 & 0xffff,
        b: 7,
        note: random.letters(9),
        flag: true,
        weight: 1.5,
        hash: random.bits(),
    }
}

fn medium(random: &mut Random) -> Medium {
    Medium {
        title: random.letters(24),
        source: random.letters(16),
        width: 1920,
        height: 1080,
        stamp: 1_700_000_000_000 + random.below(1000),
        visible: true,
        pinned: true,
        color: random.bits() as u32,
        digest: random.bits(),
        score: 0.75,
        ratio: 1.25,
        delta: -42,
        offset: -100_000,
        kind: Kind::B.into(),
        token: random.letters(16).into_bytes(),
        lang: "en".into(),
        views: random.varint(5) as u32 & 0xf_ffff,
        likes: 99,
        owner: 123_456,
        draft: true,
        region: random.letters(6),
        rank: 3,
        page: 1,
        temp: -5,
        bias: -6,
        marks: (0..6).map(|_| random.below(300) as u32).collect(),
        inner: Some(inner(random)),
        tags: (0..2).map(|_| random.letters(5)).collect(),
        extra: None,
        tail: random.letters(8),
    }
}

fn large(random: &mut Random) -> Large {
    let label = |index, random: &mut Random| {
        (format!("label-{index}-{}", random.letters(6)), random.letters(20))
    };
    Large {
        items: (0..200).map(|_| medium(random)).collect(),
        labels: (0..200).map(|index| label(index, random)).collect(),
        people: (1..=200).map(|id| (id, small(random))).collect(),
        ids: (0..2000).map(|_| signed(random)).collect(),
        words: (0..500).map(|_| word(random)).collect(),
        samples: (0..1000).map(|index| f64::from(index) * 0.5).collect(),
        blob: vec![7; 8192],
    }
}

fn signed(random: &mut Random) -> i64 {
    let value = random.varint(5) as i64;
    if value & 1 == 0 { value } else { -value }
}

fn packed(random: &mut Random) -> Packed {
    Packed {
        u: (0..10_000).map(|_| random.varint(5)).collect(),
        s: (0..10_000).map(|_| random.varint(5) as i32 >> 1).collect(),
        d: (0..10_000).map(f64::from).collect(),
    }
}

fn word(random: &mut Random) -> String {
    let size = random.between(3, 15);
    random.letters(size)
}
