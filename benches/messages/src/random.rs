//! Data from a seed: the same on every machine.

/// A generator of pseudo-random numbers: Marsaglia's xorshift64.
pub struct Random(u64);

impl Random {
    /// A generator that gives the numbers of this seed.
    ///
    /// # Panics
    ///
    /// If the seed is 0, of which nothing but zeros would come.
    pub fn new(seed: u64) -> Self {
        assert_ne!(seed, 0, "the seed of a xorshift is not 0");
        Self(seed)
    }

    /// 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        (self.bits() >> 11) % end
    }

    /// A number of at least `start`, below `end`.
    pub fn between(&mut self, start: usize, end: usize) -> usize {
        start + self.below((end - start) as u64) as usize
    }

    /// Whether one of `of` falls on us.
    pub fn one_in(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }

    /// One of `all`.
    pub fn pick<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len() as u64) as usize]
    }

    /// A number whose varint has 1 to `size` bytes, each size as likely as the others.
    pub fn varint(&mut self, size: u64) -> u64 {
        let bytes = self.below(size) + 1;
        self.bits() >> (64 - 7 * bytes)
    }

    /// A number from 0 up to `end`, of six decimals: serde_json reads longer ones inexactly.
    pub fn decimal(&mut self, end: u64) -> f64 {
        self.below(end * 1_000_000) as f64 / 1e6
    }

    /// Any bytes.
    pub fn bytes(&mut self, size: usize) -> Vec<u8> {
        (0..size).map(|_| self.bits() as u8).collect()
    }

    /// Letters from a to z.
    pub fn letters(&mut self, size: usize) -> String {
        (0..size).map(|_| char::from(b'a' + (self.bits() % 26) as u8)).collect()
    }

    /// An identifier of hexadecimal digits.
    pub fn hex(&mut self, size: usize) -> String {
        (0..size).map(|_| char::from(b"0123456789abcdef"[self.below(16) as usize])).collect()
    }

    /// A word, now and then of another script.
    pub fn word(&mut self) -> &'static str {
        if self.one_in(24) { self.pick(&FOREIGN) } else { self.pick(&WORDS) }
    }

    /// As many words, between them spaces.
    pub fn words(&mut self, count: usize) -> String {
        let words: Vec<_> = (0..count).map(|_| self.word()).collect();
        words.join(" ")
    }
}

const WORDS: [&str; 48] = [
    "a",
    "an",
    "and",
    "answer",
    "as",
    "at",
    "batch",
    "cache",
    "client",
    "connection",
    "deadline",
    "exceeded",
    "expired",
    "failed",
    "for",
    "from",
    "granted",
    "has",
    "in",
    "index",
    "is",
    "key",
    "limit",
    "memory",
    "message",
    "not",
    "of",
    "on",
    "order",
    "page",
    "payment",
    "peer",
    "queue",
    "read",
    "refused",
    "request",
    "retry",
    "server",
    "shipment",
    "shop",
    "stream",
    "the",
    "timeout",
    "to",
    "token",
    "user",
    "was",
    "write",
];

const FOREIGN: [&str; 12] = [
    "Grüße",
    "naïve",
    "São Paulo",
    "Łódź",
    "Ελλάδα",
    "Москва",
    "東京",
    "주문",
    "שלום",
    "مرحبا",
    "नमस्ते",
    "🚀",
];

#[cfg(test)]
mod tests {
    use super::Random;

    /// The data is the same in every run: one seed gives one series.
    #[test]
    fn a_seed_gives_one_series() {
        let mut random = Random::new(1);
        assert_eq!([random.bits(), random.bits()], [0x4082_2041, 0x1000_4106_0c01_1441]);
    }

    /// A varint of at most so many bytes has no more of them, and the largest sizes occur.
    #[test]
    fn varints_have_every_size_up_to_the_largest() {
        let mut random = Random::new(7);
        let sizes: std::collections::BTreeSet<_> =
            (0..1000).map(|_| random.varint(5).max(1).ilog2() / 7 + 1).collect();
        assert_eq!(Vec::from_iter(sizes), [1, 2, 3, 4, 5]);
    }
}
