//! What is read without tokens is what tokens say.

use super::super::lexer::{Lexer, Token};
use super::super::number;
use super::schema::{check, parse, refused};
use crate::limits;

fn lexer(text: &str) -> Lexer<'_> {
    Lexer::new(text, limits::JSON_DEPTH_MAX, limits::decode_memory(text.len()))
}

/// xorshift64: the same numbers each time.
fn random() -> impl FnMut() -> u64 {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    }
}

fn check_floats(text: &str) {
    let double: f64 = text.parse().unwrap();
    let float: f32 = text.parse().unwrap();
    assert_eq!(lexer(text).quick_float().map(f64::to_bits), Some(double.to_bits()), "{text}");
    assert_eq!(lexer(text).quick_float().map(f32::to_bits), Some(float.to_bits()), "{text}");
}

/// A float is the nearest one, however many digits there are and wherever the point stands.
#[test]
fn floats_are_the_nearest_ones() {
    let mut random = random();
    for _ in 0..20_000 {
        let (mantissa, cut) = (random() >> (random() % 64), random() % 30);
        let digits = format!("{mantissa:0width$}", width = cut as usize + 1);
        let (whole, fraction) = digits.split_at(digits.len() - cut as usize);
        let whole = match whole.trim_start_matches('0') {
            "" => "0",
            whole => whole,
        };
        check_floats(&format!("-{whole}.{fraction}0"));
        check_floats(whole);
    }
    check_floats("1.5e-7");
    check_floats("-12E+3");
    check_floats("-0");
    check_floats("0.0");
}

/// IEEE 754: a number in the middle between two floats, or next to it, is rounded once, not first to
/// a double.
#[test]
fn floats_are_rounded_once() {
    let mut random = random();
    for _ in 0..20_000 {
        let below = f32::from_bits(0x3000_0000 + (random() % 0x2000_0000) as u32);
        let above = f32::from_bits(below.to_bits() + 1);
        let middle = f64::midpoint(below.into(), above.into());
        check_floats(&format!("{middle}"));
        check_floats(&format!("{middle}1"));
    }
    // Beyond floats, and within doubles.
    let beyond = format!("1{}", "0".repeat(39));
    assert_eq!(lexer(&beyond).quick_float::<f32>(), None);
    assert_eq!(lexer(&beyond).quick_float::<f64>(), Some(1e39));
}

/// Integers up to the ends of their types, in quotes or not, and none beyond or in other notations.
#[test]
fn integers_are_those_of_their_types() {
    let ends = [
        0,
        i128::from(i32::MAX),
        i128::from(u32::MAX),
        i128::from(i64::MAX),
        i128::from(u64::MAX),
        10_i128.pow(19),
        2 * 10_i128.pow(19),
        // Within 64 bits once the highest ones are dropped.
        3 * 10_i128.pow(19),
    ];
    for end in ends.into_iter().flat_map(|end| [-end - 1, -end, end - 1, end, end + 1]) {
        for text in [format!("{end}"), format!("\"{end}\"")] {
            assert_eq!(lexer(&text).quick_integer(), i32::try_from(end).ok(), "{text}");
            assert_eq!(lexer(&text).quick_integer(), u32::try_from(end).ok(), "{text}");
            assert_eq!(lexer(&text).quick_integer(), i64::try_from(end).ok(), "{text}");
            assert_eq!(lexer(&text).quick_integer(), u64::try_from(end).ok(), "{text}");
        }
    }
    for text in ["01", "\"1", "1.0", "1e2", "-", "\"\"", "\" 1\"", "+1", "[1]", "00", "\"-01\""] {
        assert_eq!(lexer(text).quick_integer::<i64>(), None, "{text}");
        // What is not read is left to the tokens.
        let mut lexer = lexer(text);
        let _ = lexer.quick_integer::<i64>();
        assert_eq!(lexer.next(), self::lexer(text).next(), "{text}");
    }
    assert_eq!(number::integer("-0"), Some(0));
    assert_eq!(lexer("-0").quick_integer(), Some(0_u32));
}

/// RFC 8259 7: a string ends at its quote wherever that stands among the bytes that are looked at
/// together, and so with escapes and what has to be one.
#[test]
fn strings_end_at_their_quotes() {
    for length in 0..300 {
        let plain = "é".repeat(length / 2) + &"a".repeat(length % 2);
        let text = format!("\"{plain}\" ");
        assert_eq!(lexer(&text).quick_string(), Some(&*plain));
        let escaped = format!("\"{plain}\\n{plain}\"");
        assert_eq!(lexer(&escaped).quick_string(), None);
        let expected = Token::String(format!("{plain}\n{plain}").into());
        assert_eq!(lexer(&escaped).next(), Ok(expected));
        let bare = format!("\"{plain}\u{1f}{plain}\"");
        assert_eq!(lexer(&bare).quick_string(), None);
        lexer(&bare).next().unwrap_err();
        assert_eq!(lexer(&format!("\"{plain}")).quick_string(), None);
    }
}

/// RFC 8259 2: containers end with their own bracket, however many are open.
#[test]
fn brackets_belong_together_at_every_depth() {
    for depth in [1, 2, 63, 64, 65, 66, 127, 128, 129, 200] {
        let (mut opening, mut closing) = (String::new(), Vec::new());
        for level in 0..depth {
            let is_object = level * level % 3 == 1;
            opening += if is_object { "{\"a\":" } else { "[" };
            closing.push(if is_object { '}' } else { ']' });
        }
        closing.reverse();
        let is_whole = |closing: &[char]| {
            let text = format!("{opening}1{}", closing.iter().collect::<String>());
            let mut lexer = Lexer::new(&text, depth, usize::MAX);
            let token = lexer.next().unwrap();
            lexer.skip(&token).is_ok() && lexer.next() == Ok(Token::End)
        };
        assert!(is_whole(&closing));
        for wrong in 0..depth {
            let mut closing = closing.clone();
            closing[wrong] = if closing[wrong] == '}' { ']' } else { '}' };
            assert!(!is_whole(&closing), "{wrong} of {depth}");
        }
    }
}

/// Space between tokens and the order of fields change nothing.
#[test]
fn space_and_order_do_not_matter() {
    let compact =
        r#"{"anInt32":1,"aString":"s","child":{"numbers":[1,2],"aBool":true},"byName":{"a":1}}"#;
    check(
        " { \"byName\" : { \"a\" : 1 } ,\n\t\"child\" : { \"aBool\" : true , \"numbers\" : [ 1 , 2 ] } ,\r\n \
         \"aString\" : \"s\" , \"anInt32\" : 1 } ",
        &parse_and_print(compact),
    );
    refused(&[
        r#"{"anInt32":1,}"#,
        r#"{"anInt32" 1}"#,
        r#"{"numbers":[1,]}"#,
        r#"{"numbers":[,1]}"#,
        r#"{"numbers":[1 2]}"#,
        r#"{"numbers":[1}"#,
        r#"{"aDouble":1e}"#,
        r#"{"aDouble":1.e1}"#,
        r#"{,"anInt32":1}"#,
        r#"{"child":{]}"#,
    ]);
}

/// The text that is printed for `text`.
fn parse_and_print(text: &str) -> String {
    super::schema::print(&parse(text).unwrap())
}
