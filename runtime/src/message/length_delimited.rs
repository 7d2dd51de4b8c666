//! Streams of messages: each behind its length as a varint, as other protobuf libraries write them
//! (`writeDelimitedTo` of Java, `parse_delimited` of Python).
//!
//! The length is the writer's claim: memory grows with the bytes that come, never with the claim.

use std::io::{self, Read, Write};

use super::options::DecodeLimits;
use super::varint::VARINT_SIZE_MAX;
use super::{DecodeError, EncodeError, Writer, varint};
use crate::limits;

pub(super) fn write(
    sink: &mut impl Write,
    encode: impl FnOnce(&mut Writer) -> Result<(), EncodeError>,
) -> io::Result<()> {
    let mut writer = Writer::new();
    let encoded = encode(&mut writer);
    encoded.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    writer.varint(writer.len() as u64);
    sink.write_all(writer.as_slice())
}

pub(super) fn read<M>(
    source: &mut impl Read,
    limits: &DecodeLimits,
    decode: impl FnOnce(&[u8]) -> Result<M, DecodeError>,
) -> io::Result<Option<M>> {
    let Some(length) = read_length(source)? else { return Ok(None) };
    let limit = limits.size();
    if length > limit as u64 {
        let text = format!("expected a message of at most {limit} bytes, got one of {length}");
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    let mut bytes = Vec::new();
    let got = source.take(length).read_to_end(&mut bytes)?;
    if (got as u64) < length {
        let text = format!("expected a message of {length} bytes, got the end after {got}");
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
    }
    let message = decode(&bytes);
    message.map(Some).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// The length; `None` if the stream ends before it.
fn read_length(source: &mut impl Read) -> io::Result<Option<u64>> {
    let mut bytes = [0; VARINT_SIZE_MAX];
    for index in 0..VARINT_SIZE_MAX {
        match source.read_exact(&mut bytes[index..=index]) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return if index == 0 { Ok(None) } else { Err(cut(index)) };
            }
            result => result?,
        }
        if bytes[index] < 0x80 {
            let length = varint::split(&bytes[..=index]).ok().map(|(length, _)| length);
            let length = length.filter(|length| *length <= limits::MESSAGE_SIZE_MAX as u64);
            return length.map(Some).ok_or_else(too_large);
        }
    }
    Err(too_large())
}

fn cut(got: usize) -> io::Error {
    let text = format!("expected more bytes of a message's length, got the end after {got}");
    io::Error::new(io::ErrorKind::UnexpectedEof, text)
}

fn too_large() -> io::Error {
    let text = "expected a length of at most 2147483647 bytes, got more";
    io::Error::new(io::ErrorKind::InvalidData, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::well_known::StringValue;
    use crate::message::{DecodeOptions, Message};

    fn text(value: &str) -> StringValue {
        value.into()
    }

    /// Messages come out of a stream as they went in, empty ones too, and the end is an end.
    #[test]
    fn messages_follow_each_other() {
        let long = "x".repeat(300);
        let sent = [text("a"), text(""), text(&long)];
        let mut stream = Vec::new();
        for message in &sent {
            message.write_length_delimited(&mut stream).unwrap();
        }
        assert_eq!(stream[..5], [3, 0x0a, 1, b'a', 0]);
        let mut rest = stream.as_slice();
        for message in sent {
            assert_eq!(StringValue::read_length_delimited(&mut rest).unwrap(), Some(message));
        }
        assert_eq!(StringValue::read_length_delimited(&mut rest).unwrap(), None);
    }

    /// A message over the limit of the options is refused by its length, before it is read; one of the
    /// limit is not, and the other limits hold too.
    #[test]
    fn options_limit_messages_of_a_stream() {
        let read = |stream: &[u8], options: &DecodeOptions| {
            let mut rest = stream;
            let read = StringValue::read_length_delimited_with(&mut rest, options);
            (read.map_err(|error| error.to_string()), rest.len())
        };
        let options = DecodeOptions::new().size_limit(3);
        assert_eq!(read(&[3, 0x0a, 1, b'a', 0], &options), (Ok(Some(text("a"))), 1));
        let refused = "expected a message of at most 3 bytes, got one of 4".to_owned();
        assert_eq!(read(&[4, 0x0a, 2, b'a', b'b'], &options), (Err(refused), 4));
        assert_eq!(
            StringValue::decode_with(&[0x0a, 2, b'a', b'b'], &options).unwrap_err().to_string(),
            "invalid google.protobuf.StringValue: byte 0: \
             expected a message of at most 3 bytes, got one of 4"
        );
        let little = DecodeOptions::new().memory_limit(10);
        assert!(read(&[2, 0x10, 1], &little).0.unwrap_err().contains("10 bytes of memory"));
    }

    /// A stream that ends within a length or a message says so; a length over 2 GiB is refused, and
    /// one that lies takes no memory for what does not come.
    #[test]
    fn broken_streams_are_errors() {
        for (stream, kind) in [
            (&[0x80][..], io::ErrorKind::UnexpectedEof),
            (&[2, 0x0a], io::ErrorKind::UnexpectedEof),
            (&[0xff, 0xff, 0xff, 0xff, 0x07, 0], io::ErrorKind::UnexpectedEof),
            (&[0x80, 0x80, 0x80, 0x80, 0x08], io::ErrorKind::InvalidData),
            (&[0xff; 11], io::ErrorKind::InvalidData),
            (&[1, 0x0a], io::ErrorKind::InvalidData),
        ] {
            let mut rest = stream;
            let error = StringValue::read_length_delimited(&mut rest).unwrap_err();
            assert_eq!(error.kind(), kind, "{stream:02x?}: {error}");
        }
        let cut = StringValue::read_length_delimited(&mut &[0x80][..]).unwrap_err();
        assert_eq!(
            cut.to_string(),
            "expected more bytes of a message's length, got the end after 1"
        );
    }
}
