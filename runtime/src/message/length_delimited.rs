//! Streams of messages: each behind its length as a varint, as other protobuf libraries write them
//! (`writeDelimitedTo` of Java, `parse_delimited` of Python).
//!
//! The length is the writer's claim: memory grows with the bytes that come, never with the claim.

use std::io::{self, Read, Write};

use super::varint::VARINT_SIZE_MAX;
use super::{Message, Writer, varint};
use crate::limits;

pub(super) fn write<M: Message>(message: &M, sink: &mut impl Write) -> io::Result<()> {
    let mut writer = Writer::new();
    let encoded = message.encode(&mut writer);
    encoded.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    writer.varint(writer.len() as u64);
    sink.write_all(writer.as_slice())
}

pub(super) fn read<M: Message>(source: &mut impl Read) -> io::Result<Option<M>> {
    let Some(length) = read_length(source)? else { return Ok(None) };
    let mut bytes = Vec::new();
    let got = source.take(length).read_to_end(&mut bytes)?;
    if (got as u64) < length {
        let text = format!("expected a message of {length} bytes, got the end after {got}");
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
    }
    let message = M::decode(&bytes);
    message.map(Some).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// The length; `None` if the stream ends before it.
fn read_length(source: &mut impl Read) -> io::Result<Option<u64>> {
    let mut bytes = [0; VARINT_SIZE_MAX];
    for index in 0..VARINT_SIZE_MAX {
        match source.read_exact(&mut bytes[index..=index]) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && index == 0 => {
                return Ok(None);
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

fn too_large() -> io::Error {
    let text = "expected a length of at most 2147483647 bytes, got more";
    io::Error::new(io::ErrorKind::InvalidData, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::well_known::StringValue;

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
    }
}
