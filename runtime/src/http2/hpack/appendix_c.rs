//! The examples of RFC 7541 appendix C, from C.2 on: blocks, their fields and the table after them.

use super::rfc7541::{GET, check_table, decode, list, octets};
use super::{Decoder, Encoder};
use crate::http2::headers::Headers;

/// RFC 7541 C.2: one field of every representation.
#[test]
fn representations_of_appendix_c_2() {
    check_examples(
        4096,
        &[(
            "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
            &[("custom-key", "custom-header")],
            &[("custom-key", "custom-header")],
            55,
        )],
    );
    let path = [(":path", "/sample/path")];
    check_examples(4096, &[("040c 2f73 616d 706c 652f 7061 7468", &path, &[], 0)]);
    check_examples(4096, &[("82", &[GET], &[], 0)]);

    let mut decoder = Decoder::new(4096);
    let block = octets("1008 7061 7373 776f 7264 0673 6563 7265 74");
    let mut secret = Headers::new();
    secret.push_sensitive("password", "secret");
    assert_eq!(decode(&mut decoder, &block), Ok(secret));
    check_table(&decoder, &[], 0);
}

const REQUEST_1: &[(&str, &str)] = &[GET, (":scheme", "http"), (":path", "/"), AUTHORITY];
const REQUEST_2: &[(&str, &str)] = &[GET, (":scheme", "http"), (":path", "/"), AUTHORITY, NO_CACHE];
const REQUEST_3: &[(&str, &str)] =
    &[GET, (":scheme", "https"), (":path", "/index.html"), AUTHORITY, CUSTOM];

fn check_requests(blocks: [&str; 3]) {
    check_examples(
        4096,
        &[
            (blocks[0], REQUEST_1, &[AUTHORITY], 57),
            (blocks[1], REQUEST_2, &[NO_CACHE, AUTHORITY], 110),
            (blocks[2], REQUEST_3, &[CUSTOM, NO_CACHE, AUTHORITY], 164),
        ],
    );
}

/// RFC 7541 C.3: three requests on one connection, without Huffman code.
#[test]
fn requests_of_appendix_c_3() {
    check_requests([
        "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        "8286 84be 5808 6e6f 2d63 6163 6865",
        "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
    ]);
}

/// RFC 7541 C.4: the same three requests with Huffman code. The first is also what we encode.
#[test]
fn requests_of_appendix_c_4() {
    let first = "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff";
    check_requests([
        first,
        "8286 84be 5886 a8eb 1064 9cbf",
        "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
    ]);
    let mut block = Vec::new();
    Encoder::default().encode(&list(REQUEST_1), &mut block);
    assert_eq!(block, octets(first));
}

fn check_responses(blocks: [&str; 3]) {
    let found = (":status", "302");
    let moved = (":status", "307");
    check_examples(
        256,
        &[
            (
                blocks[0],
                &[found, PRIVATE, DATE_21, LOCATION],
                &[LOCATION, DATE_21, PRIVATE, found],
                222,
            ),
            (
                blocks[1],
                &[moved, PRIVATE, DATE_21, LOCATION],
                &[moved, LOCATION, DATE_21, PRIVATE],
                222,
            ),
            (
                blocks[2],
                &[(":status", "200"), PRIVATE, DATE_22, LOCATION, GZIP, COOKIE],
                &[COOKIE, GZIP, DATE_22],
                215,
            ),
        ],
    );
}

/// RFC 7541 C.5: three responses, without Huffman code, through a table of 256 bytes that evicts.
#[test]
fn responses_of_appendix_c_5() {
    check_responses([
        "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133
         2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70
         6c65 2e63 6f6d",
        "4803 3330 37c1 c0bf",
        "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d
         54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049
         5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e
         3d31",
    ]);
}

/// RFC 7541 C.6: the same three responses with Huffman code.
#[test]
fn responses_of_appendix_c_6() {
    check_responses([
        "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6
         2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
        "4883 640e ffc1 c0bf",
        "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab
         77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f
         9587 3160 65c0 03ed 4ee5 b106 3d50 07",
    ]);
}

/// One block of an example: its octets, its fields, and the table after it, youngest first.
type Example<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [(&'a str, &'a str)], usize);

fn check_examples(table_size_max: usize, examples: &[Example<'_>]) {
    let mut decoder = Decoder::new(table_size_max);
    for (number, (block, fields, entries, table_size)) in examples.iter().enumerate() {
        let headers = decode(&mut decoder, &octets(block)).expect("a block of the RFC");
        assert_eq!(headers, list(fields), "block {number}");
        check_table(&decoder, entries, *table_size);
    }
}

const AUTHORITY: (&str, &str) = (":authority", "www.example.com");
const NO_CACHE: (&str, &str) = ("cache-control", "no-cache");
const CUSTOM: (&str, &str) = ("custom-key", "custom-value");
const PRIVATE: (&str, &str) = ("cache-control", "private");
const DATE_21: (&str, &str) = ("date", "Mon, 21 Oct 2013 20:13:21 GMT");
const DATE_22: (&str, &str) = ("date", "Mon, 21 Oct 2013 20:13:22 GMT");
const LOCATION: (&str, &str) = ("location", "https://www.example.com");
const GZIP: (&str, &str) = ("content-encoding", "gzip");
const COOKIE: (&str, &str) =
    ("set-cookie", "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1");
