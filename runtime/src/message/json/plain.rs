//! What stands for itself in a JSON string: every byte but a quote, a backslash and controls
//! (RFC 8259 7). The parser takes it as it is, and the printer needs no escape for it.

/// How many bytes at the beginning of `bytes` stand for themselves.
#[inline]
pub(super) fn plain_length(bytes: &[u8]) -> usize {
    match bytes.split_at_checked(BLOCK) {
        None => plain_words(bytes),
        Some((first, rest)) => match plain_words(first) {
            BLOCK => BLOCK + plain_of_long(rest),
            length => length,
        },
    }
}

/// The same for what follows the first block.
#[inline(never)]
fn plain_of_long(bytes: &[u8]) -> usize {
    let blocks = plain_blocks(bytes);
    blocks + plain_words(&bytes[blocks..])
}

/// The same for few bytes, which are looked at in words.
#[inline(always)]
fn plain_words(bytes: &[u8]) -> usize {
    let Some(last) = bytes.last_chunk() else {
        return bytes.iter().position(|byte| !is_plain(*byte)).unwrap_or(bytes.len());
    };
    let (words, rest) = bytes.as_chunks();
    for (index, word) in words.iter().enumerate() {
        if let Some(at) = first_special(*word) {
            return index * WORD + at;
        }
    }
    // The bytes before the rest are plain, so that it can be seen in a whole word.
    match first_special(*last) {
        Some(at) if !rest.is_empty() => bytes.len() - WORD + at,
        _ => bytes.len(),
    }
}

/// As many bytes of a long string, as base64 is one, as can be taken by the block.
fn plain_blocks(bytes: &[u8]) -> usize {
    let is_whole = |block: &[u8]| block.iter().fold(true, |all, byte| all & is_plain(*byte));
    bytes.chunks_exact(BLOCK).take_while(|block| is_whole(block)).count() * BLOCK
}

fn is_plain(byte: u8) -> bool {
    byte != b'"' && byte != b'\\' && byte >= 0x20
}

/// Where in the word the first byte stands that is not plain.
#[inline(always)]
fn first_special(word: [u8; WORD]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 0xff;
    const HIGH: u64 = ONES << 7;
    let word = u64::from_le_bytes(word);
    // The high bit of the first byte below `limit` is set, and none of those before it.
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word & HIGH;
    let is = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    let found = below(word, 0x20) | is(b'"') | is(b'\\');
    (found != 0).then(|| found.trailing_zeros() as usize / 8)
}

const WORD: usize = size_of::<u64>();

/// Bytes that are looked at together once a string is long.
const BLOCK: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    /// The length is that found byte by byte, at every length and wherever a special byte stands.
    #[test]
    fn lengths_are_those_found_byte_by_byte() {
        for length in 0..300 {
            let plain = vec![b'a'; length];
            assert_eq!(plain_length(&plain), length);
            for at in 0..length {
                for byte in [b'"', b'\\', 0x00, 0x1f, 0x20, 0x7f, 0x80, 0xff, b'!', b'#'] {
                    let mut bytes = plain.clone();
                    bytes[at] = byte;
                    let is_special = byte < 0x20 || byte == b'"' || byte == b'\\';
                    let expected = if is_special { at } else { length };
                    assert_eq!(plain_length(&bytes), expected, "{byte:#x} at {at} of {length}");
                }
            }
        }
    }
}
