//! The rules of compressed messages, and the formats as Python's zlib and gzip write them.

use std::io::{self, Write};
use std::sync::Arc;

use proptest::prelude::*;

use super::{
    Accepted, CODES_MAX, Compression, Compressor, Deflate, Encoding, Encodings, Gzip, Options,
    Output,
};
use crate::grpc::Code;
use crate::grpc::codec::Writer;
use crate::grpc::envelope::{PREFIX_LEN, prefix};
use crate::limits::{COMPRESSION_SCRATCH_KEPT, COMPRESSION_SIZE_MIN, COMPRESSORS_MAX};

const HELLO: &[u8] = b"hello hello hello hello";

/// Python: `gzip.compress(HELLO, mtime=0)`.
const GZIP: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9\xc9\x57\xc8\x40\x27\
    \x01\xe3\x51\x3d\x8d\x17\x00\x00\x00";

/// Python: `gzip.compress(b"abc", compresslevel=0, mtime=0)`.
const GZIP_STORED: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\x03\x01\x03\x00\xfc\xff\x61\x62\
    \x63\xc2\x41\x24\x35\x03\x00\x00\x00";

/// Python: `gzip.GzipFile(filename="name.txt", mtime=1)`.
const GZIP_NAMED: &[u8] = b"\x1f\x8b\x08\x08\x01\x00\x00\x00\x02\xff\x6e\x61\x6d\x65\x2e\x74\x78\
    \x74\x00\xcb\x48\xcd\xc9\xc9\x57\xc8\x40\x27\x01\xe3\x51\x3d\x8d\x17\x00\x00\x00";

/// All optional fields of a head, as Python's `gzip.decompress` reads them.
const GZIP_FULL_HEAD: &[u8] = b"\x1f\x8b\x08\x1f\x00\x00\x00\x00\x02\xff\x03\x00\x61\x62\x63\x6e\
    \x00\x63\x6f\x6d\x6d\x65\x6e\x74\x00\x3f\xa8\xcb\x48\xcd\xc9\xc9\x57\xc8\x40\x27\x01\xe3\x51\
    \x3d\x8d\x17\x00\x00\x00";

/// Python: `zlib.compress(HELLO)`.
const ZLIB: &[u8] = b"\x78\x9c\xcb\x48\xcd\xc9\xc9\x57\xc8\x40\x27\x01\x68\x03\x08\xb1";

/// Python: `zlib.compressobj(zdict=b"hello")`.
const ZLIB_DICTIONARY: &[u8] =
    b"\x78\xbb\x06\x2c\x02\x15\xcb\x00\x11\x0a\x18\x24\x00\x68\x03\x08\xb1";

/// Python: `zlib.compress(HELLO)[2:-4]`, which some call deflate too.
const RAW: &[u8] = b"\xcb\x48\xcd\xc9\xc9\x57\xc8\x40\x27\x01";

fn encodings(change: impl FnOnce(&mut Options)) -> Encodings {
    let mut options = Options::default();
    change(&mut options);
    options.build().expect("what the tests ask for is possible")
}

fn undo(compressor: &dyn Compressor, compressed: &[u8]) -> Result<Vec<u8>, String> {
    undo_within(compressor, compressed, 1 << 20)
}

fn undo_within(
    compressor: &dyn Compressor,
    compressed: &[u8],
    limit: usize,
) -> Result<Vec<u8>, String> {
    let mut output = Output::new(limit);
    let result = compressor.decompress(compressed, &mut output);
    assert!(output.as_slice().len() <= limit);
    result.map(|()| output.into_vec()).map_err(|error| error.to_string())
}

fn compressed(compressor: &dyn Compressor, message: &[u8]) -> Vec<u8> {
    let mut output = Output::new(usize::MAX);
    compressor.compress(message, &mut output).expect("there is room for everything");
    output.into_vec()
}

fn all() -> Vec<Arc<dyn Compressor>> {
    vec![
        Arc::new(Gzip::default()),
        Arc::new(Gzip::new(0)),
        Arc::new(Gzip::new(99)),
        Arc::new(Deflate::default()),
        Arc::new(Deflate::new(1)),
        #[cfg(feature = "zstd")]
        Arc::new(super::Zstd::default()),
        #[cfg(feature = "zstd")]
        Arc::new(super::Zstd::new(99)),
    ]
}

/// Bytes that no algorithm makes smaller.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u8
    };
    std::iter::repeat_with(next).take(len).collect()
}

fn framed(message: &[u8]) -> Writer {
    let mut writer = Writer::new();
    writer.prepend(message);
    writer.prepend(&prefix(message.len()));
    writer
}

fn named(encodings: &Encodings, compression: Compression) -> Encoding {
    encodings.find(compression).ok().flatten().expect("it is built in")
}

/// Checklist 42: gzip is RFC 1952 and deflate the zlib format of RFC 1950, as Python writes them,
/// with every optional field of a head.
#[test]
fn what_python_compresses_is_read() {
    for bytes in [GZIP, GZIP_NAMED, GZIP_FULL_HEAD] {
        assert_eq!(undo(&Gzip::default(), bytes).as_deref(), Ok(HELLO));
    }
    assert_eq!(undo(&Gzip::default(), GZIP_STORED).as_deref(), Ok(&b"abc"[..]));
    assert_eq!(undo(&Deflate::default(), ZLIB).as_deref(), Ok(HELLO));
}

/// Checklist 42: raw deflate, a preset dictionary and one format in place of the other are refused.
#[test]
fn other_formats_are_refused() {
    for bytes in [RAW, GZIP, ZLIB_DICTIONARY, b""] {
        undo(&Deflate::default(), bytes).unwrap_err();
    }
    let error = undo(&Gzip::default(), ZLIB).unwrap_err();
    assert_eq!(error, "expected 1f 8b, got 78 9c");
    assert_eq!(undo(&Gzip::default(), b"").unwrap_err(), "its head is cut short");
}

/// Checklist 42, RFC 1952 2.2: a gzip message may consist of several members.
#[test]
fn multi_member_gzip_is_read_whole() {
    let members = [GZIP, GZIP_STORED, GZIP_FULL_HEAD].concat();
    let expected = [HELLO, b"abc", HELLO].concat();
    assert_eq!(undo(&Gzip::default(), &members), Ok(expected.clone()));
    let size = expected.len();
    assert!(undo_within(&Gzip::default(), &members, size).is_ok());
    undo_within(&Gzip::default(), &members, size - 1).unwrap_err();
    // Empty members add nothing, at the limit neither.
    let empty = compressed(&Gzip::default(), b"");
    let members = [&empty, GZIP, &empty, &empty].concat();
    assert_eq!(undo_within(&Gzip::default(), &members, HELLO.len()).as_deref(), Ok(HELLO));
}

/// Checklist 42: bytes behind the end of a message are refused, zeros too.
#[test]
fn trailing_garbage_is_refused() {
    for compressor in all() {
        let mut bytes = compressed(&*compressor, HELLO);
        for garbage in [&b"\0"[..], b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", b"x", &GZIP[..9]] {
            let len = bytes.len();
            bytes.extend_from_slice(garbage);
            undo(&*compressor, &bytes).unwrap_err();
            bytes.truncate(len);
        }
    }
}

/// A message that is cut anywhere is refused; so is one with a wrong checksum, size or flag.
#[test]
fn damaged_messages_are_refused() {
    for compressor in all() {
        let bytes = compressed(&*compressor, HELLO);
        for len in 0..bytes.len() {
            assert!(undo(&*compressor, &bytes[..len]).is_err(), "{}: {len}", compressor.name());
        }
    }
    let error_of = |at: usize, change: u8| {
        let mut bytes = GZIP_FULL_HEAD.to_vec();
        let at = at.min(bytes.len() - 1);
        bytes[at] ^= change;
        undo(&Gzip::default(), &bytes).unwrap_err()
    };
    let len = GZIP_FULL_HEAD.len();
    assert_eq!(error_of(2, 1), "expected method 8, got 9");
    assert_eq!(error_of(3, 0x20), "its flags 0x3f are reserved");
    assert_eq!(error_of(14, 1), "the checksum of its head is wrong");
    assert_eq!(error_of(len - 8, 1), "its checksum is wrong");
    assert_eq!(error_of(len - 1, 1), "its size is wrong");
}

/// Checklist 42: the receive limit counts decompressed bytes: exactly the limit passes, one byte
/// more is RESOURCE_EXHAUSTED, whatever the size on the wire.
#[test]
fn the_receive_limit_counts_decompressed_bytes() {
    let encodings = encodings(|_| {});
    for encoding in encodings.all() {
        let compressor = &encodings.compressors[usize::from(Encoding::code(Some(encoding))) - 1];
        let bytes = compressed(&**compressor, &[7; 10_000]);
        let message = encodings.decompress(Some(encoding), &bytes, 10_000).unwrap();
        assert_eq!(message, [7; 10_000]);
        let status = encodings.decompress(Some(encoding), &bytes, 9_999).unwrap_err();
        assert_eq!(status.code(), Code::ResourceExhausted, "{}", compressor.name());
        assert!(status.message().contains("more than the limit of 9999"), "{status}");
        let empty = compressed(&**compressor, b"");
        assert_eq!(encodings.decompress(Some(encoding), &empty, 0), Ok(Vec::new()));
    }
}

/// Attack 32: a bomb ends with its limit, and its buffer is never larger than that.
#[test]
fn a_bomb_allocates_no_more_than_the_limit() {
    for compressor in all() {
        let bomb = compressed(&*compressor, &vec![0; 16 << 20]);
        for limit in [0, 1, 511, 512, 513, 100_000] {
            let mut output = Output::new(limit);
            compressor.decompress(&bomb, &mut output).unwrap_err();
            assert!(output.is_exceeded());
            let vec = output.into_vec();
            assert!(vec.len() <= limit && vec.capacity() <= limit, "{}", vec.capacity());
        }
    }
}

/// A gzip trailer that states any size costs no more memory than the limit, and an honest one saves
/// all but one allocation.
#[test]
fn the_stated_size_of_gzip_is_a_hint() {
    let honest = compressed(&Gzip::default(), &[7; 5000]);
    let mut output = Output::new(1 << 20);
    Gzip::default().decompress(&honest, &mut output).unwrap();
    assert_eq!(output.into_vec().capacity(), 5000);
    for stated in [0, 1, 20_000, 1 << 20, u32::MAX] {
        let mut bytes = honest.clone();
        let end = bytes.len() - 4;
        bytes[end..].copy_from_slice(&u32::to_le_bytes(stated));
        let mut output = Output::new(1 << 20);
        let error = Gzip::default().decompress(&bytes, &mut output).unwrap_err();
        assert_eq!(error.to_string(), "its size is wrong");
        assert!(output.into_vec().capacity() <= 1 << 20);
    }
}

/// Checklist 38: a compressed flag without an encoding, or with identity, is INTERNAL.
#[test]
fn a_compressed_message_without_an_encoding_is_internal() {
    let encodings = encodings(|_| {});
    for head in [None, Some(&b"identity"[..]), Some(b"Identity ")] {
        let encoding = encodings.read(head).unwrap();
        let status = encodings.decompress(encoding, GZIP, 100).unwrap_err();
        assert_eq!(status.code(), Code::Internal);
        assert!(status.message().contains("compressed flag 1"), "{status}");
    }
}

/// A message that is not of its encoding is INTERNAL and says what was expected.
#[test]
fn a_message_of_another_encoding_is_internal() {
    let encodings = encodings(|_| {});
    let gzip = encodings.read(Some(b"gzip")).unwrap();
    let status = encodings.decompress(gzip, ZLIB, 100).unwrap_err();
    let text = "INTERNAL: received a message that is not gzip: expected 1f 8b, got 78 9c";
    assert_eq!(status.to_string(), text);
}

/// Checklist 40: empty and small messages are not compressed, those of the smallest size are.
#[test]
fn small_messages_are_not_compressed() {
    let is_compressed = |encodings: &Encodings, len: usize| {
        let mut writer = framed(&vec![7; len]);
        encodings.compress(named(encodings, Compression::Gzip), &mut writer).unwrap();
        writer.as_slice()[0] == 1
    };
    let default = encodings(|_| {});
    assert!(!is_compressed(&default, 0));
    assert!(!is_compressed(&default, COMPRESSION_SIZE_MIN - 1));
    assert!(is_compressed(&default, COMPRESSION_SIZE_MIN));
    let eager = encodings(|options| options.size_min = 0);
    assert!(!is_compressed(&eager, 0));
    assert!(!is_compressed(&eager, 5));
    assert!(is_compressed(&eager, 50));
}

/// compression.md: a message that would not become smaller is sent as it is.
#[test]
fn an_incompressible_message_is_sent_as_it_is() {
    let encodings = encodings(|_| {});
    for encoding in encodings.all() {
        for len in [COMPRESSION_SIZE_MIN, 10_000] {
            let message = noise(len);
            let mut writer = framed(&message);
            encodings.compress(encoding, &mut writer).unwrap();
            assert_eq!(writer.as_slice(), framed(&message).as_slice());
        }
    }
}

/// A compressed message stands behind its own prefix, and larger memory than is kept does no harm.
#[test]
fn a_compressed_message_is_framed_anew() {
    let encodings = encodings(|_| {});
    for message in [vec![7; 1000], [noise(COMPRESSION_SCRATCH_KEPT), vec![0; 9999]].concat()] {
        for encoding in encodings.all() {
            let mut writer = framed(&message);
            encodings.compress(encoding, &mut writer).unwrap();
            let (head, payload) = writer.as_slice().split_at(PREFIX_LEN);
            let [flag, length @ ..] = head else { panic!("no prefix") };
            assert_eq!(*flag, 1);
            assert_eq!(length, u32::try_from(payload.len()).unwrap().to_be_bytes());
            assert!(payload.len() < message.len());
            let limit = message.len();
            assert_eq!(encodings.decompress(Some(encoding), payload, limit).unwrap(), message);
        }
    }
}

/// Checklist 36 and 37: an encoding that is unknown, or known and not accepted, is refused with what
/// is accepted; names are compared without case.
#[test]
fn only_accepted_encodings_are_read() {
    let encodings = encodings(|options| options.accepted = Some(vec![Compression::Gzip]));
    assert_eq!(encodings.offer(), "identity,gzip");
    let gzip = Some(named(&encodings, Compression::Gzip));
    for (value, found) in [("gzip", gzip), (" GZIP", gzip), ("identity", None)] {
        assert_eq!(encodings.read(Some(value.as_bytes())), Ok(found), "{value}");
    }
    assert_eq!(encodings.read(None), Ok(None));
    for value in ["snappy", "deflate", "", "gzip,deflate", "x-gzip"] {
        let refused = encodings.read(Some(value.as_bytes())).unwrap_err();
        assert_eq!(&*refused.offer, "identity,gzip", "{value}");
    }
    // What is not accepted may still be sent.
    named(&encodings, Compression::Deflate);
}

/// Checklist 41: a list of accepted encodings may come in several fields, with spaces, with unknown
/// names and with the same name twice.
#[test]
fn lists_of_accepted_encodings_may_repeat_and_have_spaces() {
    let encodings = encodings(|_| {});
    let (gzip, deflate) =
        (named(&encodings, Compression::Gzip), named(&encodings, Compression::Deflate));
    let read = |values: &[&str]| encodings.read_offer(values.iter().map(|value| value.as_bytes()));
    for (values, has_gzip, has_deflate) in [
        (&["identity,gzip"][..], true, false),
        (&["identity, deflate , \t gzip"], true, true),
        (&["gzip,gzip", "br,DEFLATE"], true, true),
        (&["", ",,", "snappy"], false, false),
        (&["identity"], false, false),
        (&["gzip;q=0.5"], false, false),
    ] {
        let accepted = read(values);
        assert_eq!(accepted.contains(gzip), has_gzip, "{values:?}");
        assert_eq!(accepted.contains(deflate), has_deflate, "{values:?}");
    }
    assert!(Accepted::only(Some(gzip)).contains(gzip));
    assert!(!Accepted::only(None).contains(gzip));
}

/// An algorithm of a user is offered and found by its name, and takes the place of a built-in one.
#[test]
fn own_algorithms_are_added_and_replace() {
    let own = encodings(|options| {
        options.compressors = vec![Arc::new(Named("first")), Arc::new(Named("gzip"))];
        options.compression = Compression::Custom("first");
    });
    assert!(own.offer().starts_with("identity,gzip,deflate") && own.offer().ends_with(",first"));
    assert_eq!(own.default_encoding(), Some(named(&own, Compression::Custom("first"))));
    let mut writer = framed(&[7; 1000]);
    own.compress(named(&own, Compression::Gzip), &mut writer).unwrap();
    assert_eq!(writer.as_slice(), [&[1, 0, 0, 0, 4][..], b"gzip"].concat());
    // One that fails ends the call, one that writes too much does not.
    let status = own.decompress(own.find(Compression::Custom("first")).unwrap(), b"", 9);
    assert_eq!(
        status.unwrap_err().to_string(),
        "INTERNAL: received a message that is not first: why"
    );
}

/// What cannot be is refused when a channel or server is built, in words.
#[test]
fn impossible_compressions_are_refused_in_words() {
    let refusal = |change: &dyn Fn(&mut Options)| {
        let mut options = Options::default();
        change(&mut options);
        options.build().map(|_| ()).unwrap_err()
    };
    let unknown = refusal(&|options| options.compression = Compression::Custom("br"));
    assert!(
        unknown.starts_with("compression \"br\" is not known here: expected identity, gzip"),
        "{unknown}"
    );
    refusal(&|options| options.accepted = Some(vec![Compression::Custom("br")]));
    for name in ["", "UP", "a b", "a,b", "ä", "identity"] {
        let refused = refusal(&|options| options.compressors = vec![Arc::new(Named(name))]);
        assert!(refused.starts_with(&format!("compressor {name:?}: ")), "{refused}");
    }
    const NAMES: [&str; COMPRESSORS_MAX] =
        ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p"];
    let many = |count: usize| {
        let named = NAMES[..count].iter().map(|name| Arc::new(Named(name)) as _);
        Options { compressors: named.collect(), ..Options::default() }
    };
    let room = COMPRESSORS_MAX - encodings(|_| {}).compressors.len();
    let full = many(room).build().unwrap();
    assert!(full.all().all(|encoding| Encoding::code(Some(encoding)) < CODES_MAX));
    let error = many(room + 1).build().unwrap_err();
    assert_eq!(error, "17 compressors: expected at most 16");
}

/// An encoding's code is one number, and comes back from it.
#[test]
fn codes_of_encodings_come_back() {
    let encodings = encodings(|_| {});
    for encoding in [None].into_iter().chain(encodings.all().map(Some)) {
        assert_eq!(Encoding::from_code(Encoding::code(encoding)), encoding);
    }
    assert_eq!(Encoding::code(None), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is compressed comes back, with every algorithm, and within exactly its own size.
    #[test]
    fn messages_come_back(
        seed in proptest::collection::vec(any::<u8>(), 0..2000),
        repeats in 1_usize..20,
    ) {
        let message = seed.repeat(repeats);
        for compressor in all() {
            let bytes = compressed(&*compressor, &message);
            let back = undo_within(&*compressor, &bytes, message.len());
            prop_assert_eq!(back.as_deref(), Ok(&message[..]));
        }
    }

    /// Bytes that are no compressed message are refused or read, and never panic.
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for compressor in all() {
            let _ = undo_within(&*compressor, &bytes, 1000);
            let behind_head = [&GZIP[..10], &bytes].concat();
            let _ = undo_within(&*compressor, &behind_head, 1000);
        }
    }
}

/// An algorithm that writes its name, and reads nothing.
struct Named(&'static str);

impl Compressor for Named {
    fn name(&self) -> &str {
        self.0
    }

    fn compress(&self, _: &[u8], output: &mut Output) -> io::Result<()> {
        output.write_all(self.0.as_bytes())
    }

    fn decompress(&self, _: &[u8], _: &mut Output) -> io::Result<()> {
        Err(io::Error::other("why"))
    }
}

/// The size that a frame of Zstandard states is not believed: without a receive limit too, memory is
/// allocated for what comes out.
#[cfg(feature = "zstd")]
#[test]
fn a_stated_size_allocates_nothing() {
    // RFC 8878 3.1.1: magic, a descriptor of 8 octets of size in a single segment, the size, and a
    // last block of no bytes.
    for size in [1_u64 << 40, u64::MAX - 2] {
        let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0b1110_0000];
        frame.extend(size.to_le_bytes());
        frame.extend([1, 0, 0]);
        let mut output = Output::new(usize::MAX);
        assert!(super::Zstd::default().decompress(&frame, &mut output).is_err());
        assert!(output.into_vec().capacity() <= 1 << 20, "{size}");
    }
}
