//! RFC 4648: bytes as base64. Written with the standard alphabet and padding, read with either
//! alphabet, with padding or without.

/// Appends `bytes` as base64.
pub(super) fn push(out: &mut Vec<u8>, bytes: &[u8]) {
    out.reserve(bytes.len().div_ceil(3) * 4);
    let mut digits = [0; BLOCK / 3 * 4];
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    for block in blocks {
        let (threes, _) = block.as_chunks();
        encode(threes, &mut digits);
        out.extend_from_slice(&digits);
    }
    let (threes, last) = rest.as_chunks();
    encode(threes, &mut digits);
    out.extend_from_slice(&digits[..threes.len() * 4]);
    if let [first, second @ ..] = last {
        let second = second.first();
        let [a, b, c, _] = four([*first, second.copied().unwrap_or(0), 0]);
        out.extend_from_slice(&[a, b, if second.is_some() { c } else { b'=' }, b'=']);
    }
}

/// Writes the digits of whole groups to the beginning of `digits`.
fn encode(threes: &[[u8; 3]], digits: &mut [u8; BLOCK / 3 * 4]) {
    let (fours, _) = digits.as_chunks_mut();
    for (digits, three) in fours.iter_mut().zip(threes) {
        *digits = four(*three);
    }
}

fn four([a, b, c]: [u8; 3]) -> [u8; 4] {
    let bits = u32::from_be_bytes([0, a, b, c]);
    let [first, second] = PAIRS[(bits >> 12) as usize];
    let [third, fourth] = PAIRS[(bits & 0xfff) as usize];
    [first, second, third, fourth]
}

/// The bytes of `text`; `None` if it is no base64.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let text = text.as_bytes();
    let padding = text.iter().rev().take_while(|byte| **byte == b'=').count();
    let digits = &text[..text.len() - padding];
    let is_whole = match padding {
        0 => digits.len() % 4 != 1,
        1 | 2 => text.len().is_multiple_of(4) && digits.len() % 4 != 1,
        _ => false,
    };
    if !is_whole {
        return None;
    }
    let mut bytes = Vec::with_capacity(digits.len() / 4 * 3 + 3);
    for chunk in digits.chunks(4) {
        let mut bits = 0;
        for digit in chunk {
            bits = bits << 6 | value(*digit)?;
        }
        bits <<= 6 * (4 - chunk.len());
        bytes.extend_from_slice(&bits.to_be_bytes()[1..chunk.len()]);
    }
    Some(bytes)
}

fn value(digit: u8) -> Option<u32> {
    Some(u32::from(match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    }))
}

/// Bytes that are encoded at a time.
const BLOCK: usize = 768;

/// The two digits of each 12 bits.
static PAIRS: [[u8; 2]; 1 << 12] = {
    let mut pairs = [[0; 2]; 1 << 12];
    let mut bits = 0;
    while bits < pairs.len() {
        pairs[bits] = [ALPHABET[bits >> 6], ALPHABET[bits & 63]];
        bits += 1;
    }
    pairs
};

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
