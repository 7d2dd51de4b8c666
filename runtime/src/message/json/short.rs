//! Appending short texts whose lengths repeat: names and numbers.

/// Appends `text`. What is short goes as its first and its last bytes, which overlap: memcpy would take
/// a call, and would wait for the stores of a number that was just written.
#[inline]
pub(super) fn push_short(out: &mut Vec<u8>, text: &[u8]) {
    match text.len() {
        4..8 => push_ends::<4>(out, text),
        8..16 => push_ends::<8>(out, text),
        16..=32 => push_ends::<16>(out, text),
        0..4 => text.iter().for_each(|byte| out.push(*byte)),
        33.. => out.extend_from_slice(text),
    }
}

/// Appends a text of `N` to `2 * N` bytes.
#[inline(always)]
fn push_ends<const N: usize>(out: &mut Vec<u8>, text: &[u8]) {
    if let (Some(first), Some(last)) = (text.first_chunk::<N>(), text.last_chunk::<N>()) {
        let last_at = out.len() + text.len() - N;
        out.extend_from_slice(first);
        out.truncate(last_at);
        out.extend_from_slice(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text of any length is appended as it is.
    #[test]
    fn texts_of_all_lengths_are_appended() {
        let text: Vec<u8> = (0..100).collect();
        for length in 0..text.len() {
            let mut out = vec![0xff; 3];
            push_short(&mut out, &text[..length]);
            assert_eq!(out, [&[0xff; 3], &text[..length]].concat());
        }
    }
}
