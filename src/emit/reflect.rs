//! What generated code says for reflection: a line for each field, and the file's descriptor.

use std::fmt::Write as _;

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::{Printer, allow_deprecated, parsed};
use crate::schema::model::{Enumeration, Field, FileDescriptor, Member, Message, Oneof, Shape};

impl Printer {
    /// The reflection of a message.
    pub(super) fn reflect_message(&self, message: &Message) -> Option<TokenStream> {
        let reflection = message.reflection.as_ref()?;
        let runtime = &self.runtime;
        let (name, file) = (parsed(&message.name), parsed(&reflection.file));
        let (place, unknown) =
            (Literal::usize_unsuffixed(reflection.place), parsed(message.unknown));
        let formats = reflection.formats.iter().map(|format| parsed(format));
        let mut lines: Vec<(usize, TokenStream)> = Vec::new();
        for member in &message.members {
            match member {
                Member::Field(field) => lines.push((field.index, line(field))),
                Member::Oneof(oneof) => lines.extend(member_lines(oneof)),
            }
        }
        lines.sort_by_key(|(index, _)| *index);
        let lines = lines.into_iter().map(|(index, line)| {
            let index = Literal::usize_unsuffixed(index);
            quote!(#index => #line;)
        });
        Some(quote! {
            #runtime::reflect! {
                message #name = #file, #place, #unknown [#(#formats)*];
                #(#lines)*
            }
        })
    }

    /// The reflection of a oneof's enum.
    pub(super) fn reflect_oneof(&self, message: &Message, oneof: &Oneof) -> Option<TokenStream> {
        message.reflection.as_ref()?;
        let (runtime, name) = (&self.runtime, parsed(&oneof.name));
        let members = oneof.members.iter().enumerate().map(|(place, member)| {
            let (place, name) = (Literal::usize_unsuffixed(place), parsed(&member.name));
            quote!(#place => #name;)
        });
        Some(quote! {
            #runtime::reflect! {
                oneof #name;
                #(#members)*
            }
        })
    }

    /// The reflection of an enum.
    pub(super) fn reflect_enumeration(&self, enumeration: &Enumeration) -> Option<TokenStream> {
        let reflection = enumeration.reflection.as_ref()?;
        let (runtime, name) = (&self.runtime, parsed(&enumeration.name));
        let file = parsed(&reflection.file);
        Some(quote!(#runtime::reflect! { enum #name = #file; }))
    }

    /// The descriptor of a file.
    pub(super) fn file_descriptor(&self, descriptor: &FileDescriptor, source: &str) -> TokenStream {
        let (runtime, name) = (&self.runtime, parsed(&descriptor.name));
        let doc = format!(" The descriptor of {source}.");
        let allow = allow_deprecated(descriptor.uses_deprecated);
        let bytes = byte_string(&descriptor.bytes);
        let files = descriptor.dependencies.iter().map(|path| {
            let path = parsed(path);
            quote!(<#path as #runtime::generated::reflect::Described>::file)
        });
        quote! {
            #[doc = #doc]
            #allow
            pub static #name: #runtime::generated::reflect::GeneratedFile =
                #runtime::generated::reflect::GeneratedFile::new(#bytes, &[#(#files),*]);
        }
    }
}

/// How a field is found in the struct.
fn line(field: &Field) -> TokenStream {
    let name = parsed(&field.name);
    let shape = match field.shape {
        Shape::Implicit => quote!(implicit),
        Shape::Optional => quote!(optional),
        Shape::Message => quote!(message),
        Shape::Repeated { .. } => quote!(repeated),
        Shape::Map { .. } => quote!(map),
    };
    quote!(#shape #name)
}

fn member_lines(oneof: &Oneof) -> impl Iterator<Item = (usize, TokenStream)> {
    let field = parsed(&oneof.field);
    oneof.members.iter().enumerate().map(move |(place, member)| {
        let place = Literal::usize_unsuffixed(place);
        (member.index, quote!(member #field #place))
    })
}

/// A literal of several lines.
fn byte_string(bytes: &[u8]) -> TokenStream {
    let mut text = String::from("b\"");
    let mut column = LINE_LENGTH;
    for byte in bytes {
        if column >= LINE_LENGTH {
            text.push_str("\\\n");
            column = 0;
        }
        let before = text.len();
        match byte {
            b'\n' => text.push_str("\\n"),
            b'"' | b'\\' => text.extend(['\\', char::from(*byte)]),
            // White space behind the end of a line would be skipped.
            b' ' if column == 0 => text.push_str("\\x20"),
            0x20..0x7f => text.push(char::from(*byte)),
            _ => write!(text, "\\x{byte:02x}").expect("a string takes everything"),
        }
        column += text.len() - before;
    }
    text.push('"');
    parsed(&text)
}

/// After how many columns a line of bytes ends.
const LINE_LENGTH: usize = 96;

#[cfg(test)]
mod tests {
    use super::*;

    /// The literal holds the bytes, wherever its lines end.
    #[test]
    fn literals_hold_their_bytes() {
        let mut bytes: Vec<u8> = (0..=255).collect();
        bytes.extend(std::iter::repeat_n(b' ', 300));
        for length in 0..bytes.len() {
            let literal: syn::LitByteStr =
                syn::parse2(byte_string(&bytes[..length])).expect("it is one literal");
            assert_eq!(literal.value(), &bytes[..length]);
        }
    }
}
