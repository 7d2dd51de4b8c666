//! Names of members, of every length about that up to which they are told at once.

use crate::message::well_known::FileDescriptorProto;
use crate::message::{
    DescriptorPool, DynamicMessage, FieldMut, JsonPrintOptions, Message, MessageDescriptor,
    Reflect, Value,
};

/// They begin alike.
fn names() -> Vec<String> {
    let letters = "abcdefghijklmnopqrstuvwxyz";
    let plain = (1..=26).map(|length| letters[..length].to_owned());
    let accented = (8..=16).map(|length| format!("{}\u{e9}x", &letters[..length]));
    plain.chain(accented).collect()
}

fn set(message: &mut DynamicMessage, index: usize, number: i32) {
    let FieldMut::Singular(mut field) = message.field_mut(index) else { unreachable!() };
    field.set(Value::I32(number)).unwrap();
}

/// Of a message with a number for each name.
fn with_message(check: impl Fn(MessageDescriptor<'_>)) {
    let field = |(index, name): (usize, &String)| {
        let number = index + 1;
        format!(
            "field {{ name: 'f{number}' json_name: '{name}' number: {number} \
             label: LABEL_OPTIONAL type: TYPE_INT32 }}"
        )
    };
    let fields: String = names().iter().enumerate().map(field).collect();
    let file = format!("name: 'a.proto' syntax: 'proto3' message_type {{ name: 'A' {fields} }}");
    let file = FileDescriptorProto::from_text(&file).unwrap().encode_to_vec();
    let mut pool = DescriptorPool::new();
    pool.add_files([file.as_slice()]).unwrap();
    check(pool.message("A").unwrap());
}

/// RFC 8259 4: a member is a name, a colon and a value, with space wherever one likes.
#[test]
fn names_of_any_length_are_printed_and_read() {
    with_message(|descriptor| {
        let mut message = DynamicMessage::new(descriptor);
        for (index, number) in (1..).take(names().len()).enumerate() {
            set(&mut message, index, number);
        }
        let member = |(name, number): (&String, i32)| format!("\"{name}\":{number}");
        let members: Vec<_> = names().iter().zip(1..).map(member).collect();
        let compact = format!("{{{}}}", members.join(","));
        assert_eq!(message.to_json().unwrap(), compact);
        let pretty = message.to_json_with(&JsonPrintOptions::new().pretty()).unwrap();
        let reversed: Vec<_> = members.iter().rev().cloned().collect();
        for text in [
            compact.clone(),
            pretty,
            compact.replace(':', " : "),
            compact.replace(',', "\n,\t"),
            format!("{{{}}}", reversed.join(",")),
        ] {
            assert_eq!(DynamicMessage::from_json(descriptor, &text).unwrap(), message, "{text}");
        }
    });
}

/// A member alone stands at the very end of the text; what is cut is an error.
#[test]
fn names_near_the_end_of_a_text_are_read() {
    with_message(|descriptor| {
        for (index, name) in names().iter().enumerate() {
            let text = format!("{{\"{name}\":7}}");
            let mut message = DynamicMessage::new(descriptor);
            set(&mut message, index, 7);
            assert_eq!(DynamicMessage::from_json(descriptor, &text).unwrap(), message);
            assert_eq!(message.to_json().unwrap(), text);
            for (cut, _) in text.char_indices() {
                assert!(
                    DynamicMessage::from_json(descriptor, &text[..cut]).is_err(),
                    "{cut}: {text}"
                );
            }
        }
    });
}
