//! A oneof: the field, its enum, and its part of the message's encoding.

use std::ops::RangeInclusive;

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::{Printer, allow_deprecated, debug, docs, header, kind, lints, parsed, tag};
use crate::schema::model::{Check, Kind, Message, Oneof, OneofMember};

impl Printer {
    pub(super) fn oneof_field(&self, message: &Message, oneof: &Oneof) -> TokenStream {
        let docs = docs(&oneof.header.docs);
        let attributes = oneof.field_attributes.iter().map(|attribute| parsed(attribute));
        let field = parsed(&oneof.field);
        let path = path(message, oneof);
        quote!(#docs #(#attributes)* pub #field: ::core::option::Option<#path>)
    }

    pub(super) fn oneof(&self, oneof: &Oneof) -> TokenStream {
        let docs = docs(&oneof.header.docs);
        let attributes = oneof.header.attributes.iter().map(|attribute| parsed(attribute));
        let lints = lints(&oneof.header);
        let allow = allow_deprecated(oneof.uses_deprecated);
        let name = parsed(&oneof.name);
        let members = oneof.members.iter().map(|member| {
            let (header, name) = (header(&member.header), parsed(&member.name));
            let value = self.value_type(&member.kind);
            quote!(#header #name(#value))
        });
        let debug = (!oneof.is_redacted()).then(|| quote!(, Debug));
        quote! {
            #docs
            #[derive(Clone, PartialEq #debug)]
            #(#attributes)*
            #lints
            #allow
            pub enum #name {
                #(#members,)*
            }
        }
    }

    /// `Debug` of a oneof with members that it hides.
    pub(super) fn redacted_oneof(&self, oneof: &Oneof) -> Option<TokenStream> {
        let (runtime, name) = (&self.runtime, parsed(&oneof.name));
        let members = oneof.members.iter().map(|member| {
            let (how, name) = (debug(member.redacted), parsed(&member.name));
            quote!(#how #name;)
        });
        oneof.is_redacted().then(|| quote!(#runtime::reflect! { debug oneof #name; #(#members)* }))
    }
}

/// The `use` by which the bodies of the message's functions know the enum.
pub(super) fn import(message: &Message, oneof: &Oneof) -> TokenStream {
    let path = path(message, oneof);
    if oneof.local == oneof.name {
        quote!(use self::#path;)
    } else {
        let local = parsed(&oneof.local);
        quote!(use self::#path as #local;)
    }
}

/// What writes the members of these numbers.
pub(super) fn write(oneof: &Oneof, numbers: &RangeInclusive<u32>) -> TokenStream {
    let (field, local) = (parsed(&oneof.field), parsed(&oneof.local));
    let members: Vec<_> =
        oneof.members.iter().filter(|member| numbers.contains(&member.number)).collect();
    let rest = if members.len() == oneof.members.len() { quote!(None) } else { quote!(_) };
    let arms = members.into_iter().map(|member| {
        let (name, kind) = (parsed(&member.name), kind(&member.kind));
        let number = Literal::u32_unsuffixed(member.number);
        quote!(Some(#local::#name(value)) => writer.singular::<#kind>(#number, value))
    });
    quote! {
        match &self.#field {
            #(#arms,)*
            #rest => {}
        }
    }
}

pub(super) fn read(oneof: &Oneof, unknown: &TokenStream) -> TokenStream {
    let arms = oneof.members.iter().map(|member| read_member(oneof, member, unknown));
    quote!(#(#arms)*)
}

/// A message that is the current member is merged; everything else takes the oneof over.
fn read_member(oneof: &Oneof, member: &OneofMember, unknown: &TokenStream) -> TokenStream {
    let (field, local, name) = (parsed(&oneof.field), parsed(&oneof.local), parsed(&member.name));
    let (tag, kind) = (tag(member.number, &member.kind), kind(&member.kind));
    match member.kind {
        Kind::Message { delimited, .. } => {
            let kind = if delimited { quote!(Delimited) } else { quote!(Nested) };
            quote!(#tag => merge_member!(reader, self.#field, #local::#name, #kind),)
        }
        Kind::Enum { closed: true, .. } => {
            quote!(#tag => closed_member!(reader, self.#field, #local::#name, #unknown),)
        }
        Kind::Scalar(_) | Kind::Enum { .. } => {
            quote!(#tag => reader.oneof::<#kind, _>(&mut self.#field, #local::#name),)
        }
    }
}

/// The check of the member that is set, if any can hold a required field.
pub(super) fn check(oneof: &Oneof) -> TokenStream {
    let checked: Vec<_> =
        oneof.members.iter().filter(|member| member.check != Check::Nothing).collect();
    if checked.is_empty() {
        return TokenStream::new();
    }
    let (field, local) = (parsed(&oneof.field), parsed(&oneof.local));
    let arms = checked.into_iter().map(|member| {
        let (name, shown) = (parsed(&member.name), &member.proto_name);
        quote!(Some(#local::#name(value)) => check(value, #shown)?,)
    });
    quote! {
        match &self.#field {
            #(#arms)*
            _ => {}
        }
    }
}

/// The enum as the message's own module sees it.
pub(super) fn path(message: &Message, oneof: &Oneof) -> TokenStream {
    let module = message.module.as_deref().expect("a message with a oneof has a module");
    parsed(&format!("{module}::{}", oneof.name))
}
