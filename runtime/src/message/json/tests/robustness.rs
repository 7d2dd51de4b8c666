//! Whatever text comes, parsing ends with a message or an error; what was parsed is printed and reads
//! back.

use std::sync::LazyLock;

use super::schema::{parse, pool};
use crate::message::well_known::{FileDescriptorProto, Type, Value};
use crate::message::{
    DescriptorPool, DynamicMessage, JsonError, JsonParseOptions, JsonPrintOptions, Message,
};

/// A text with every construct.
const SAMPLE: &str = r#"{"anInt32":-1,"anInt64":"5","aFloat":1.5e1,"aString":"a\"\u00e9\ud83d\ude00é",
"someBytes":"AQID","aColor":"RED","child":{"maybe":0},"numbers":[1,2.0],"children":[{},{"text":""}],
"byName":{"a":1},"byFlag":{"true":"x"},"byNumber":{"7":{"aBool":true}},"aTime":"1970-01-01T00:00:01Z",
"aSpan":"-1.5s","aMask":"a,bC","aStruct":{"x":[null,{}]},"aValue":"v","anAny":{"numbers":[3],
"@type":"x/test.All"},"aWrapper":"1","a\u0044ouble":1,"chosenNull":null}"#;

/// Parses the text; what it says is printed, reads back, and is printed the same again.
fn exercise(text: &str) -> Result<(), JsonError> {
    static POOL: LazyLock<DescriptorPool> = LazyLock::new(pool);
    let parsing = JsonParseOptions::new().pool(&POOL);
    let printing = JsonPrintOptions::new().pool(&POOL);
    let descriptor = POOL.message("test.All").unwrap();
    let mut message = DynamicMessage::new(descriptor);
    parsing.merge(text, &mut message)?;
    let printed = printing.print(&message).expect("what was parsed is printed");
    let mut again = DynamicMessage::new(descriptor);
    parsing.merge(&printed, &mut again).expect("what was printed is parsed");
    assert_eq!(printing.print(&again).as_ref(), Ok(&printed));
    let bytes = message.encode_to_vec().expect("what was parsed is encoded");
    DynamicMessage::decode(descriptor, &bytes).expect("what was encoded is decoded");
    Ok(())
}

/// A text cut anywhere is refused.
#[test]
fn every_truncation_is_refused() {
    exercise(SAMPLE).unwrap();
    for (end, _) in SAMPLE.char_indices() {
        assert!(exercise(&SAMPLE[..end]).is_err(), "{}", &SAMPLE[..end]);
    }
}

/// A text with any one bit changed, or any one byte replaced by a sign of JSON, ends well.
#[test]
fn every_change_of_a_byte_ends_well() {
    let sample = SAMPLE.as_bytes();
    let changes = |byte: u8| (0..8).map(move |bit| byte ^ 1 << bit).chain(*b"{}[],:\"\\0-");
    for (at, byte) in sample.iter().enumerate() {
        for change in changes(*byte) {
            let mut changed = sample.to_vec();
            changed[at] = change;
            if let Ok(text) = std::str::from_utf8(&changed) {
                let _ = exercise(text);
            }
        }
    }
}

/// Limits: the deepest message that a decoder takes is printed, and what is printed reads back,
/// whether its messages stand alone, in lists or in maps.
#[test]
fn the_deepest_message_reads_back() {
    let pool = pool();
    let descriptor = pool.message("test.All").unwrap();
    // Tags of `child`, of `children` and of a list of numbers, which is one array more.
    for (tag, expected) in [(0x5a, 102), (0x6a, 202)] {
        let mut bytes = vec![0x62, 1, 7];
        for _ in 0..100 {
            let mut outer = vec![tag];
            push_length(&mut outer, bytes.len());
            outer.append(&mut bytes);
            bytes = outer;
        }
        let message = DynamicMessage::decode(descriptor, &bytes).unwrap();
        let text = message.to_json().unwrap();
        let levels = text.bytes().filter(|byte| b"{[".contains(byte)).count();
        assert_eq!(levels, expected);
        assert_eq!(DynamicMessage::from_json(descriptor, &text).as_ref(), Ok(&message));
    }
}

fn push_length(bytes: &mut Vec<u8>, mut length: usize) {
    while length >= 0x80 {
        bytes.push(length as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
}

/// Limits: 100 MB of brackets end at once, whoever reads them, as values or as what is skipped.
#[test]
fn a_hundred_megabytes_of_brackets_are_refused() {
    let brackets = "[".repeat(100_000_000);
    assert!(Value::from_json(&brackets).is_err());
    assert!(Type::from_json(&brackets).is_err());
    let skipping = JsonParseOptions::new().ignore_unknown();
    let unknown = format!("{{\"unknown\":{brackets}");
    assert!(Type::from_json_with(&unknown, &skipping).is_err());
    assert!(parse(&brackets).is_err());
    let objects = "{\"a\":".repeat(1_000_000);
    assert!(Value::from_json(&objects).is_err());
    let any = r#"{"@type":"x/google.protobuf.Any","value":"#.repeat(1_000_000);
    assert!(crate::well_known::Any::from_json(&any).is_err());
}

/// Limits: what takes three bytes of text and hundreds in memory is charged for what it takes.
#[test]
fn small_elements_are_charged() {
    let elements = format!("{{\"messageType\":[{}{{}}]}}", "{},".repeat(1_000_000));
    let error = FileDescriptorProto::from_json(&elements).unwrap_err().to_string();
    assert!(error.contains("bytes of memory"), "{error}");
    let few = format!("{{\"messageType\":[{}{{}}]}}", "{},".repeat(10_000));
    assert!(FileDescriptorProto::from_json(&few).is_ok());
}
