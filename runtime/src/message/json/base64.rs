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
    let (quads, rest) = digits.as_chunks::<4>();
    let rest_length = rest.len().saturating_sub(1);
    let mut bytes = vec![0; quads.len() * 3 + rest_length];
    let (triples, last) = bytes.split_at_mut(quads.len() * 3);
    let mut all = 0;
    for (quad, triple) in quads.iter().zip(triples.as_chunks_mut::<3>().0) {
        let bits = value(0, quad[0]) | value(1, quad[1]) | value(2, quad[2]) | value(3, quad[3]);
        all |= bits;
        let [_, first, second, third] = bits.to_be_bytes();
        *triple = [first, second, third];
    }
    let bits = rest.iter().enumerate().fold(0, |bits, (place, digit)| bits | value(place, *digit));
    last.copy_from_slice(&bits.to_be_bytes()[1..=rest_length]);
    (all | bits < NO_DIGIT).then_some(bytes)
}

/// What a digit adds to the 24 bits of the four that it is one of; [`NO_DIGIT`] if it is none.
#[inline(always)]
fn value(place: usize, digit: u8) -> u32 {
    VALUES[place][usize::from(digit)]
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

/// The values of all bytes, at each place among four.
static VALUES: [[u32; 256]; 4] = [values(0), values(1), values(2), values(3)];

const fn values(place: u32) -> [u32; 256] {
    let mut values = [NO_DIGIT; 256];
    let mut digit = 0;
    while digit < ALPHABET.len() {
        values[ALPHABET[digit] as usize] = (digit as u32) << (18 - 6 * place);
        digit += 1;
    }
    // RFC 4648 5: the alphabet that is safe in URLs differs in two digits.
    values[b'-' as usize] = values[b'+' as usize];
    values[b'_' as usize] = values[b'/' as usize];
    values
}

/// Beyond all that four digits hold.
const NO_DIGIT: u32 = 1 << 24;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
