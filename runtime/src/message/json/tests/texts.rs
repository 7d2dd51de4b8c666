//! Numbers, base64 and the layout of what is written.

use super::super::writer::{JsonWriter, Layout};
use super::super::{base64, number};

/// protobuf JSON: an integer may have a fraction of zeros and an exponent.
#[test]
fn integers_are_read_in_every_notation() {
    for (text, expected) in [
        ("0", 0),
        ("-0", 0),
        ("-1", -1),
        ("1.0", 1),
        ("1e5", 100_000),
        ("1E+5", 100_000),
        ("1000e-2", 10),
        ("1.50e1", 15),
        ("0e999999999999999999999", 0),
        ("0.000e-999999999999999999999", 0),
        ("18446744073709551615", u64::MAX.into()),
        ("1.8446744073709551615e19", u64::MAX.into()),
        ("-9223372036854775808", i64::MIN.into()),
    ] {
        assert_eq!(number::integer(text), Some(expected), "{text}");
    }
    for text in [
        "",
        " 1",
        "1 ",
        "+1",
        "01",
        "1.5",
        "1e-1",
        "0.5",
        "1.",
        "0x1",
        "1_0",
        "a",
        "NaN",
        "18446744073709551616",
        "1e20",
        "1e999999999999999999999",
        "1e-999999999999999999999",
    ] {
        assert_eq!(number::integer(text), None, "{text}");
    }
}

/// protobuf JSON: a float beyond its type is refused, one too small to tell from 0 is 0.
#[test]
fn floats_stay_within_their_type() {
    assert_eq!(number::float::<f32>("3.402823e38"), Some(3.402_823e38));
    assert_eq!(number::float::<f32>("3.502823e38"), None);
    assert_eq!(number::float::<f64>("1.89769e308"), None);
    assert_eq!(number::float::<f64>("-1e400"), None);
    assert_eq!(number::float::<f64>("1e-400"), Some(0.0));
    assert_eq!(number::float::<f64>("-0").map(f64::to_bits), Some((-0.0_f64).to_bits()));
    for text in ["NaN", "inf", "Infinity", "1.", ".5", "+1", "1 "] {
        assert_eq!(number::float::<f64>(text), None, "{text}");
    }
}

/// protobuf JSON: the fewest digits that read back as the same float of the same width.
#[test]
fn floats_are_written_shortest() {
    let written = |value: f64| {
        let mut out = Vec::new();
        number::push_float(&mut out, value);
        String::from_utf8(out).unwrap()
    };
    for (value, expected) in [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (0.1, "0.1"),
        (-1.5, "-1.5"),
        (1e20, "100000000000000000000"),
        (1e21, "1e21"),
        (1e-7, "1e-7"),
        (f64::MAX, "1.7976931348623157e308"),
        (5e-324, "5e-324"),
        (f64::NAN, "\"NaN\""),
        (f64::INFINITY, "\"Infinity\""),
        (f64::NEG_INFINITY, "\"-Infinity\""),
    ] {
        assert_eq!(written(value), expected);
    }
    let mut out = Vec::new();
    number::push_float(&mut out, 0.1_f32);
    number::push_float(&mut out, f32::MAX);
    assert_eq!(out, b"0.13.4028235e38");
}

/// Floats have the digits that core shows, or as many others that read back as well, and no exponent
/// from 1e-5 up to 1e21.
#[test]
fn floats_are_as_short_as_those_of_core() {
    fn check<F: number::Float>(value: F) {
        let wide: f64 = value.into();
        let magnitude = wide.abs();
        let expected = match magnitude == 0.0 || (1e-5..1e21).contains(&magnitude) {
            true => format!("{value}"),
            false => format!("{value:e}"),
        };
        let mut out = Vec::new();
        number::push_float(&mut out, value);
        let out = String::from_utf8(out).unwrap();
        assert_eq!(out.parse::<F>().map(Into::into).ok(), Some(wide), "{out}");
        assert_eq!(out.len(), expected.len(), "{out} {expected}");
        assert_eq!(out.find(['.', 'e']), expected.find(['.', 'e']), "{out} {expected}");
        assert_eq!(out.find('e'), expected.find('e'), "{out} {expected}");
    }
    for exponent in -330..309 {
        for digits in ["1", "-1", "9.5", "9.999999999999999", "1.0000000000000002"] {
            let value: f64 = format!("{digits}e{exponent}").parse().unwrap();
            for near in [value.next_down(), value, value.next_up()] {
                if near.is_finite() {
                    check(near);
                }
            }
            let value = value as f32;
            for near in [value.next_down(), value, value.next_up()] {
                if near.is_finite() {
                    check(near);
                }
            }
        }
    }
    // A walk over all exponents and many fractions.
    let mut bits = 1_u64;
    for _ in 0..20_000 {
        bits = bits.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        let (double, float) = (f64::from_bits(bits), f32::from_bits((bits >> 32) as u32));
        if double.is_finite() && float.is_finite() {
            check(double);
            check(float);
            check(bits as f64 / 4096.0);
            check((bits >> 32) as f32 / 4096.0);
        }
    }
}

/// Integers are written in decimal, from the least to the greatest of their type.
#[test]
fn integers_are_written_in_decimal() {
    fn check<I: number::Integer + std::fmt::Display>(value: I) {
        let mut out = Vec::new();
        number::push_integer(&mut out, value);
        assert_eq!(String::from_utf8(out).unwrap(), value.to_string());
    }
    let mut bases: Vec<u64> = (0..64).map(|bit| 1 << bit).collect();
    bases.extend((0..20).map(|exponent| 10_u64.pow(exponent)));
    bases.extend([99, 12_345_678, 1_234_567_890_123_456, 1_000_000_020_000_000]);
    for value in bases.into_iter().flat_map(|base| base.saturating_sub(2)..=base + 2) {
        check(value);
        check(u64::MAX - value);
        check(value as u32);
        check(value as i64);
        check((value as i64).wrapping_neg());
        check(value as i32);
        check((value as i32).wrapping_neg());
    }
    (0..20_000).for_each(check::<u32>);
}

/// RFC 8259 7: what needs an escape gets one wherever it stands, and nothing else does.
#[test]
fn escapes_are_written_at_every_place() {
    let written = |text: &str| {
        let mut writer = JsonWriter::new(Layout::Compact);
        writer.string(text);
        writer.into_text()
    };
    for length in 0..20 {
        let plain = "\u{7f}".repeat(length);
        assert_eq!(written(&plain), format!("\"{plain}\""));
        for at in 0..length {
            for (byte, escape) in [
                ('"', "\\\""),
                ('\\', "\\\\"),
                ('\u{1f}', "\\u001f"),
                ('\n', "\\n"),
                ('\0', "\\u0000"),
            ] {
                let (before, after) = (&plain[..at], &plain[at + 1..]);
                let expected = format!("\"{before}{escape}{after}\"");
                assert_eq!(written(&format!("{before}{byte}{after}")), expected);
                let expected = format!("\"{before}{escape}{escape}{after}\"");
                assert_eq!(written(&format!("{before}{byte}{byte}{after}")), expected);
            }
            for other in
                ["\u{20}", "!", "#", "[", "]", "\u{80}", "\u{a2}", "\u{5c22}", "\u{10ffff}"]
            {
                let text = format!("{}{other}{}", &plain[..at], &plain[at + 1..]);
                assert_eq!(written(&text), format!("\"{text}\""));
            }
        }
    }
}

/// RFC 4648 4 and 5: either alphabet, with padding or without, and nothing in between.
#[test]
fn base64_is_read_in_both_alphabets() {
    for (text, expected) in [
        ("", &b""[..]),
        ("AQ==", b"\x01"),
        ("AQ", b"\x01"),
        ("AQI=", b"\x01\x02"),
        ("AQI", b"\x01\x02"),
        ("AQID", b"\x01\x02\x03"),
        ("-_8=", b"\xfb\xff"),
        ("+/8", b"\xfb\xff"),
        ("AQIDBA", b"\x01\x02\x03\x04"),
    ] {
        assert_eq!(base64::decode(text).as_deref(), Some(expected), "{text}");
    }
    for text in [
        "A", "A===", "AQ=", "AQI==", "AQID=", "=", "====", "A=Q=", "AQ ==", "A!", "AQIDB",
        "\u{e9}A",
    ] {
        assert_eq!(base64::decode(text), None, "{text}");
    }
    let bytes: Vec<u8> = (0..=255).cycle().take(2000).collect();
    for length in (0..20).chain(760..780).chain(1530..1540) {
        let mut out = Vec::new();
        base64::push(&mut out, &bytes[..length]);
        let out = String::from_utf8(out).unwrap();
        assert_eq!(out.len(), length.div_ceil(3) * 4);
        assert_eq!(base64::decode(&out).as_deref(), Some(&bytes[..length]));
    }
}

/// RFC 8259: the same values, compact and pretty; empty containers stay closed.
#[test]
fn layouts_differ_in_space_alone() {
    let written = |layout| {
        let mut writer = JsonWriter::new(layout);
        writer.begin_object();
        writer.name("a\"\n\u{1}");
        writer.begin_array();
        writer.integer(1);
        writer.in_quotes(i64::MIN);
        writer.float(0.5);
        writer.bytes(b"\x01");
        writer.end_array();
        writer.name("b");
        writer.begin_object();
        writer.end_object();
        writer.name("c");
        writer.string("\\\u{e9}\u{7f}");
        writer.end_object();
        writer.into_text()
    };
    assert_eq!(
        written(Layout::Compact),
        "{\"a\\\"\\n\\u0001\":[1,\"-9223372036854775808\",0.5,\"AQ==\"],\"b\":{},\"c\":\"\\\\\u{e9}\u{7f}\"}"
    );
    assert_eq!(
        written(Layout::Pretty),
        "{\n  \"a\\\"\\n\\u0001\": [\n    1,\n    \"-9223372036854775808\",\n    0.5,\n    \"AQ==\"\n  ],\n  \
         \"b\": {},\n  \"c\": \"\\\\\u{e9}\u{7f}\"\n}"
    );
}
