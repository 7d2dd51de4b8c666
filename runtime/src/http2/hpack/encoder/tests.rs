//! What the encoder makes of the lists that calls send (RFC 7541 4.2, 6 and 7.1).

use super::super::{Decoder, Limits};
use super::*;

/// An encoder and the decoder of its peer.
struct Pair {
    encoder: Encoder,
    decoder: Decoder,
}

impl Pair {
    fn new() -> Self {
        Self { encoder: Encoder::default(), decoder: Decoder::new(4096) }
    }

    /// Sends `headers` and returns their block, after checking that they arrive.
    fn send(&mut self, headers: &Headers) -> Vec<u8> {
        let mut block = Vec::new();
        self.encoder.encode(headers, &mut block);
        let mut received = Headers::new();
        self.decoder.decode(&block, &Limits::default(), &mut received).expect("our own block");
        assert!(received.iter().eq(headers.iter()), "{headers:?} became {received:?}");
        assert_eq!(self.encoder.table.size(), self.decoder.table().size());
        block
    }

    fn send_fields(&mut self, fields: &[(&str, &str)]) -> Vec<u8> {
        self.send(&fields.iter().copied().collect())
    }

    /// Changes the setting on both sides, as if it had been acknowledged.
    fn set_table_size(&mut self, size: usize) {
        self.encoder.set_table_size(size);
        self.decoder.set_table_size_max(size);
    }
}

const REQUEST: &[(&str, &str)] = &[
    (":method", "POST"),
    (":scheme", "http"),
    (":path", "/hello.Greeter/SayHello"),
    (":authority", "localhost:50051"),
    ("te", "trailers"),
    ("content-type", "application/grpc"),
    ("user-agent", "rust-grpc/0.1.0"),
    ("grpc-accept-encoding", "gzip"),
];

/// RFC 7541 6.1: from the second call on, the head of a request is one octet a field.
#[test]
fn a_repeated_request_is_one_octet_a_field() {
    let mut pair = Pair::new();
    assert!(pair.send_fields(REQUEST).len() > 60);
    for _ in 0..3 {
        assert_eq!(pair.send_fields(REQUEST).len(), REQUEST.len());
    }
}

/// A response and its trailers are one octet a field from the second call on.
#[test]
fn a_repeated_response_is_one_octet_a_field() {
    let mut pair = Pair::new();
    for expected in [None, Some(3)] {
        let head = pair.send_fields(&[(":status", "200"), ("content-type", "application/grpc")]);
        let trailers = pair.send_fields(&[("grpc-status", "0")]);
        let length = head.len() + trailers.len();
        assert!(expected.is_none_or(|expected| expected == length), "{length}");
    }
}

/// A field of an unknown name is inserted at its second sighting and an index from the third.
#[test]
fn an_unknown_field_is_inserted_when_it_is_seen_again() {
    let mut pair = Pair::new();
    let fields = [("x-tenant", "blue")];
    assert_eq!(pair.send_fields(&fields)[0], 0x00);
    assert_eq!(pair.send_fields(&fields)[0], 0x40);
    assert_eq!(pair.send_fields(&fields), [0xbe]);
    // Another value of that name takes the name from the table.
    assert_eq!(pair.send_fields(&[("x-tenant", "red")])[..3], [0x0f, 0x2f, 3]);
}

/// Values that never repeat do not push out those that do.
#[test]
fn values_that_never_repeat_stay_out_of_the_table() {
    let mut pair = Pair::new();
    pair.send_fields(REQUEST);
    let size = pair.encoder.table.size();
    for number in 0..1000 {
        pair.send_fields(&[
            ("x-request-id", &format!("{number:016x}")),
            ("grpc-timeout", "1S"),
            ("grpc-message", "not found"),
            ("trace-bin", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        ]);
    }
    assert_eq!(pair.encoder.table.size(), size);
    assert_eq!(pair.send_fields(REQUEST).len(), REQUEST.len());
}

/// RFC 7541 7.1.3: credentials, and what the caller marks, are never indexed, however often
/// they are sent; nor are short binary values, which could be guessed.
#[test]
fn secrets_are_never_indexed() {
    for (name, marked) in [
        ("authorization", false),
        ("proxy-authorization", false),
        ("cookie", false),
        ("set-cookie", false),
        ("token-bin", false),
        ("x-api-key", true),
        (":path", true),
    ] {
        let mut pair = Pair::new();
        let mut headers = Headers::new();
        if marked {
            headers.push_sensitive(name, "s3cret");
        } else {
            headers.push(name, "s3cret");
        }
        for _ in 0..3 {
            let mut block = Vec::new();
            pair.encoder.encode(&headers, &mut block);
            assert_eq!(block[0] & 0xf0, 0x10, "{name}");
            let mut received = Headers::new();
            pair.decoder.decode(&block, &Limits::default(), &mut received).expect("our block");
            assert!(received.iter().all(|field| field.sensitive), "{name}");
            assert_eq!(pair.encoder.table.len(), 0, "{name}");
        }
    }
}

/// RFC 7541 4.2: of several changes of the setting between two blocks, the smallest size is
/// told and then the final one, at the start of the next block and only there.
#[test]
fn the_smallest_and_the_final_table_size_are_told() {
    let mut pair = Pair::new();
    pair.send_fields(REQUEST);
    pair.set_table_size(100);
    pair.set_table_size(31);
    pair.set_table_size(62);
    let block = pair.send_fields(&[(":method", "GET")]);
    assert_eq!(block, [0x3f, 0x00, 0x3f, 0x1f, 0x82]);
    assert_eq!(pair.send_fields(&[(":method", "GET")]), [0x82]);
    assert_eq!(pair.encoder.table.len(), 0);
}

/// RFC 7541 4.2: one change is told once, a setting that changes nothing is not told.
#[test]
fn one_change_of_the_table_size_is_told_once() {
    let mut pair = Pair::new();
    pair.set_table_size(4096);
    assert_eq!(pair.send_fields(&[(":method", "GET")]), [0x82]);
    pair.set_table_size(0);
    assert_eq!(pair.send_fields(&[(":method", "GET")]), [0x20, 0x82]);
    pair.set_table_size(30);
    assert_eq!(pair.send_fields(&[(":method", "GET")]), [0x3e, 0x82]);
}

/// RFC 7541 4.2: the encoder chooses its size: whatever the peer allows, it stays at its cap.
#[test]
fn the_encoder_table_stays_at_its_cap() {
    let mut pair = Pair::new();
    pair.set_table_size(1 << 30);
    assert_eq!(pair.send_fields(&[(":method", "GET")]), [0x82]);
    assert_eq!(pair.encoder.table.size_max(), 4096);
    // A cap below what connections begin with is told in the first block.
    let mut block = Vec::new();
    Encoder::new(0)
        .encode(&[(":path", "/a"), ("te", "trailers")].into_iter().collect(), &mut block);
    assert_eq!(block[..3], [0x20, 0x04, 2]);
}

/// RFC 7541 4.4: a field that would push out most of the table is sent in full.
#[test]
fn a_field_as_large_as_the_table_is_not_inserted() {
    let mut pair = Pair::new();
    pair.send_fields(REQUEST);
    let size = pair.encoder.table.size();
    let fits = "x".repeat(4096 / 4 * 3 - 32 - ":path".len());
    for path in [format!("{fits}x"), "y".repeat(5000)] {
        pair.send_fields(&[(":path", &path)]);
        assert_eq!(pair.encoder.table.size(), size);
    }
    pair.send_fields(&[(":path", &fits)]);
    assert_eq!(pair.encoder.table.size(), size + 3072);
}

/// RFC 7541 5.2: the Huffman code is used where it is shorter, and only there.
#[test]
fn the_huffman_code_is_used_where_it_saves() {
    let strings = |string: &str, saving_min| {
        let mut out = Vec::new();
        encode_string(string.as_bytes(), saving_min, &mut out);
        (out[0] & HUFFMAN != 0, out.len())
    };
    assert_eq!(strings("", 1), (false, 1));
    assert_eq!(strings("a", 1), (false, 2));
    assert_eq!(strings("aaa", 1), (true, 3));
    assert_eq!(strings("{}{}", 1), (false, 5));
    assert_eq!(strings("aaaaaaaaaaaaaaaaaaaaa", 8), (false, 22));
    assert_eq!(strings("aaaaaaaaaaaaaaaaaaaaaa", 8), (true, 15));
}

/// A field is found wherever it stands in a list, and however many others were sent meanwhile.
#[test]
fn fields_are_found_at_any_place_of_a_list() {
    let mut pair = Pair::new();
    let paths: Vec<String> = (0..70).map(|number| format!("/p/{number}")).collect();
    for round in 0..3 {
        for path in &paths {
            let block = pair.send_fields(&[(":path", path)]);
            assert!(round == 0 || block.len() <= 2, "{path} took {} octets", block.len());
            let block = pair.send_fields(&[("te", "trailers"), (":path", path)]);
            assert!(block.len() <= 14, "{path} took {} octets", block.len());
        }
    }
}

/// RFC 7541 4.4: a block that was kept is not used once its fields are evicted, nor once others
/// have come before them.
#[test]
fn a_kept_block_never_outlives_an_eviction() {
    let mut pair = Pair::new();
    let first = [pair.send_fields(REQUEST), pair.send_fields(REQUEST), pair.send_fields(REQUEST)];
    assert_eq!(first[1], first[2], "the third is a kept block");
    // One more field: every index of the dynamic table is another one.
    pair.send_fields(&[(":path", "/other/Method")]);
    let moved = pair.send_fields(REQUEST);
    assert_ne!(moved, first[2]);
    assert_eq!(pair.send_fields(REQUEST), moved);
    for number in 0..100 {
        pair.send_fields(&[(":path", &format!("/many/Method{number}"))]);
    }
    assert!(pair.send_fields(REQUEST).len() > 40, "all were evicted");
    pair.send_fields(REQUEST);
    let kept = pair.send_fields(REQUEST);
    pair.set_table_size(0);
    let block = pair.send_fields(REQUEST);
    assert!(block[0] == 0x20 && block.len() > 40, "kept was {kept:x?}");
    pair.set_table_size(4096);
    (0..3).for_each(|_| assert!(!pair.send_fields(REQUEST).is_empty()));
}

/// Fields of another value take their places in a block that is kept, a secret among them, which
/// stays one that no hop may index.
#[test]
fn values_may_differ_in_a_kept_block() {
    let mut pair = Pair::new();
    let list = |timeout: &str, token: &str, number: &str| {
        let mut headers: Headers = REQUEST[..5].iter().copied().collect();
        headers.push("grpc-timeout", timeout);
        REQUEST[5..].iter().for_each(|(name, value)| headers.push(name, value));
        headers.push_sensitive("authorization", token);
        headers.push("x-number", number);
        headers
    };
    let mut lengths = Vec::new();
    for (timeout, token, number) in
        [("1S", "a", "1"), ("999999u", "b", "2"), ("", "", ""), ("12345678H", "c", "long words")]
    {
        let block = pair.send(&list(timeout, token, number));
        lengths.push(block.len() - timeout.len() - token.len() - number.len());
    }
    assert_eq!(lengths[1..], [lengths[1]; 3]);
    let block = pair.send(&list("1S", "d", "4"));
    assert_eq!(block[5], 0x00, "not indexed");
    assert!(block.windows(2).any(|octets| octets[0] & 0xf0 == 0x10), "never indexed");
}

/// A value that comes again comes into the table, also if everything around it is kept; a secret
/// does not.
#[test]
fn a_repeated_value_leaves_a_kept_block() {
    let mut pair = Pair::new();
    let list = |tenant: &str| {
        let mut headers: Headers = REQUEST.iter().copied().collect();
        headers.push_sensitive("authorization", "same");
        headers.push("x-tenant", tenant);
        headers
    };
    let lengths = ["a", "b", "c", "d", "d", "d", "d"].map(|tenant| pair.send(&list(tenant)).len());
    let literal = 1 + 1 + "x-tenant".len() + 1 + 1;
    assert_eq!(lengths[3], REQUEST.len() + 2 + 5 + literal);
    assert_eq!(lengths[5], REQUEST.len() + 2 + 5 + 1, "{lengths:?}");
    assert_eq!(lengths[6], lengths[5]);
}

proptest::proptest! {
    /// Whatever lists are sent in whatever order, and however the table changes meanwhile, they
    /// arrive, and both tables stay equal.
    #[test]
    fn lists_arrive_whatever_was_kept(
        steps in proptest::collection::vec((0..12_u8, 0..6_usize, 0..3_u8), 1..120),
    ) {
        let mut pair = Pair::new();
        for (action, path, timeout) in steps {
            if action == 0 {
                pair.set_table_size(path * 100);
                continue;
            }
            let mut headers: Headers = REQUEST[..2].iter().copied().collect();
            headers.push(":path", format!("/service/Method{}", "x".repeat(path * 20)));
            REQUEST[3..5].iter().for_each(|(name, value)| headers.push(name, value));
            if timeout > 0 {
                headers.push("grpc-timeout", ["1S", "123456u"][usize::from(timeout) - 1]);
            }
            if action > 8 {
                headers.push_sensitive("authorization", action.to_string());
                headers.push("x-number", (action + timeout).to_string());
            }
            if action > 10 {
                (0..path).for_each(|number| headers.push("x-more", number.to_string()));
            }
            pair.send(&headers);
        }
    }
}
