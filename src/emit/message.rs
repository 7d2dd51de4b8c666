//! A message: its struct, its encoding, and the module of what stands in it.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::{
    Printer, above, allow_deprecated, debug, header, kind, lints, parsed, record_tag, tag,
};
use crate::schema::model::{Check, Field, Kind, Member, Message, Scalar, Shape};

impl Printer {
    pub(super) fn message(&self, message: &Message) -> TokenStream {
        let definition = self.definition(message);
        let debug = self.redacted_message(message);
        let getters = self.getters(message);
        let encoding = self.encoding(message);
        let module = self.module(message);
        let reflection = self.reflect_message(message);
        let extendable = self.extendable(message);
        quote!(#definition #debug #getters #encoding #reflection #extendable #module)
    }

    fn definition(&self, message: &Message) -> TokenStream {
        let runtime = &self.runtime;
        let (above, lints) = (above(&message.header), lints(&message.header));
        let allow = allow_deprecated(message.uses_deprecated);
        let name = parsed(&message.name);
        let unknown = parsed(message.unknown);
        let fields = message.members.iter().map(|member| match member {
            Member::Field(field) => {
                let (header, name) = (header(&field.header), parsed(&field.name));
                let declared = self.field_type(field);
                quote!(#header pub #name: #declared)
            }
            Member::Oneof(oneof) => self.oneof_field(message, oneof),
        });
        let debug = (!message.is_redacted()).then(|| quote!(, Debug));
        quote! {
            #above
            #[derive(Clone, PartialEq, Default #debug)]
            #lints
            #allow
            pub struct #name {
                #(#fields,)*
                pub #unknown: #runtime::UnknownFields,
            }
        }
    }

    /// `Debug` of a message with fields that it hides.
    fn redacted_message(&self, message: &Message) -> Option<TokenStream> {
        let (runtime, name) = (&self.runtime, parsed(&message.name));
        let fields = message.members.iter().map(|member| {
            let redacted = matches!(member, Member::Field(field) if field.redacted);
            let (how, name) = (debug(redacted), parsed(member.name()));
            quote!(#how #name;)
        });
        let unknown = parsed(message.unknown);
        message
            .is_redacted()
            .then(|| quote!(#runtime::reflect! { debug message #name; #(#fields)* show #unknown; }))
    }

    fn field_type(&self, field: &Field) -> TokenStream {
        let runtime = &self.runtime;
        let value = self.value_type(&field.kind);
        match &field.shape {
            Shape::Implicit => value,
            Shape::Optional => quote!(::core::option::Option<#value>),
            Shape::Message => quote!(#runtime::MessageField<#value>),
            Shape::Repeated { .. } => quote!(::std::vec::Vec<#value>),
            Shape::Map { key, sorted } => {
                let key = self.value_type(key);
                let map = if *sorted { quote!(BTreeMap) } else { quote!(HashMap) };
                quote!(::std::collections::#map<#key, #value>)
            }
        }
    }

    fn encoding(&self, message: &Message) -> TokenStream {
        let runtime = &self.runtime;
        let allow = allow_deprecated(message.uses_deprecated);
        let (name, full_name) = (parsed(&message.name), &message.full_name);
        let unknown = parsed(message.unknown);
        let written = self.names_of_bodies(message, |member| match member {
            Member::Field(field) => !matches!(field.shape, Shape::Message),
            Member::Oneof(_) => true,
        });
        let read_names = self.names_of_bodies(message, |member| match member {
            Member::Field(field) => names_kinds_to_read(field),
            Member::Oneof(_) => true,
        });
        let writes = writes(message);
        let arms = message.members.iter().map(|member| match member {
            Member::Field(field) => read_field(field, &unknown),
            Member::Oneof(oneof) => super::oneof::read(oneof, &unknown),
        });
        let check = message.checks_required.then(|| self.check(message));
        let shares = message.shares_bytes.then(|| {
            quote!(
                const SHARES_BYTES: bool = true;
            )
        });
        let (kept, reset): (Vec<_>, Vec<_>) =
            message.members.iter().partition(|member| keeps_room(member));
        let kept = kept.into_iter().map(|member| parsed(member.name())).chain([unknown.clone()]);
        let reset = reset.into_iter().map(|member| parsed(member.name()));
        let read = if message.members.is_empty() {
            quote!(reader.unknown(tag, &mut self.#unknown)?;)
        } else {
            quote! {
                let read = match tag {
                    #(#arms)*
                    tag => reader.unknown(tag, &mut self.#unknown),
                };
                read?;
            }
        };
        quote! {
            #allow
            impl #runtime::Message for #name {
                const FULL_NAME: &'static str = #full_name;
                #shares
                #runtime::clear! { #(#kept),*; #(#reset),* }
                #check
                #[inline]
                fn write_fields<'m>(
                    &'m self,
                    mut writer: #runtime::generated::message::FieldWriter<'_, 'm>,
                ) -> usize {
                    #written
                    writer.unknown(&self.#unknown);
                    #(#writes)*
                    writer.room_left()
                }
                #[inline]
                fn merge_fields(
                    &mut self,
                    mut reader: #runtime::generated::message::Reader<'_>,
                ) -> ::core::result::Result<(), #runtime::DecodeError> {
                    #read_names
                    while let ::core::option::Option::Some(tag) = reader.next_tag()? {
                        #read
                    }
                    ::core::result::Result::Ok(())
                }
            }
        }
    }

    fn check(&self, message: &Message) -> TokenStream {
        let runtime = &self.runtime;
        let names = self.names_of_bodies(message, |member| match member {
            Member::Field(field) => field.check != Check::Nothing,
            Member::Oneof(oneof) => oneof.members.iter().any(|of| of.check != Check::Nothing),
        });
        let checks = message.members.iter().map(|member| match member {
            Member::Field(field) => check_field(field),
            Member::Oneof(oneof) => super::oneof::check(oneof),
        });
        quote! {
            const CHECKS_REQUIRED: bool = true;
            #[inline]
            fn check_required(&self) -> ::core::result::Result<(), #runtime::MissingField> {
                #names
                #(#checks)*
                ::core::result::Result::Ok(())
            }
        }
    }

    /// What the bodies call by short names. Inside a block these stand before the names of the
    /// module, so that a message may be called `Str` or `Some`.
    fn names_of_bodies(&self, message: &Message, uses: impl Fn(&Member) -> bool) -> TokenStream {
        let runtime = &self.runtime;
        let used: Vec<_> = message.members.iter().filter(|member| uses(member)).collect();
        let oneofs = used.iter().filter_map(|member| match member {
            Member::Oneof(oneof) => Some(super::oneof::import(message, oneof)),
            Member::Field(_) => None,
        });
        let names = (!used.is_empty()).then(|| quote!(use #runtime::generated::message::*;));
        quote!(#names #(#oneofs)*)
    }

    fn module(&self, message: &Message) -> Option<TokenStream> {
        let name = parsed(message.module.as_deref()?);
        let lints = lints(&message.header);
        let oneofs = message.members.iter().filter_map(|member| match member {
            Member::Oneof(oneof) => {
                let (debug, reflection) =
                    (self.redacted_oneof(oneof), self.reflect_oneof(message, oneof));
                let oneof = self.oneof(oneof);
                Some(quote!(#oneof #debug #reflection))
            }
            Member::Field(_) => None,
        });
        let nested = self.types(&message.nested);
        Some(quote! {
            #lints
            pub mod #name {
                #(#oneofs)*
                #nested
            }
        })
    }
}

/// Whether what the member has allocated is of use when it is cleared.
fn keeps_room(member: &Member) -> bool {
    match member {
        Member::Field(field) => match field.shape {
            Shape::Implicit => {
                matches!(field.kind, Kind::Scalar(Scalar::Str | Scalar::ByteStr | Scalar::Bytes))
            }
            Shape::Repeated { .. } | Shape::Map { .. } => true,
            Shape::Optional | Shape::Message => false,
        },
        Member::Oneof(_) => false,
    }
}

/// What writes the fields, from the highest number to the lowest. Members of a oneof between which no
/// other field stands are written by one match.
fn writes(message: &Message) -> Vec<TokenStream> {
    let mut numbers: Vec<(u32, &Member)> = Vec::new();
    for member in &message.members {
        match member {
            Member::Field(field) => numbers.push((field.number, member)),
            Member::Oneof(oneof) => {
                numbers.extend(oneof.members.iter().map(|of| (of.number, member)));
            }
        }
    }
    numbers.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
    let runs = numbers.chunk_by(|(_, one), (_, next)| std::ptr::eq(*one, *next));
    runs.map(|run| match run[0].1 {
        Member::Field(field) => write_field(field),
        Member::Oneof(oneof) => {
            let numbers = run[run.len() - 1].0..=run[0].0;
            super::oneof::write(oneof, &numbers)
        }
    })
    .collect()
}

fn write_field(field: &Field) -> TokenStream {
    let (name, number) = (parsed(&field.name), Literal::u32_unsuffixed(field.number));
    let kind = kind(&field.kind);
    match &field.shape {
        Shape::Implicit => quote!(writer.implicit::<#kind>(#number, &self.#name);),
        Shape::Optional => quote!(writer.optional::<#kind>(#number, &self.#name);),
        Shape::Message if field.kind.is_delimited() => {
            quote!(writer.delimited(#number, &self.#name);)
        }
        Shape::Message => quote!(writer.field(#number, &self.#name);),
        Shape::Repeated { packed: true } => quote!(writer.packed::<#kind>(#number, &self.#name);),
        Shape::Repeated { packed: false } => {
            quote!(writer.repeated::<#kind>(#number, &self.#name);)
        }
        Shape::Map { key, .. } => {
            let key = super::kind(key);
            quote!(writer.map::<#key, #kind>(#number, &self.#name);)
        }
    }
}

/// The arms of a field, one for each tag that it is read from.
fn read_field(field: &Field, unknown: &TokenStream) -> TokenStream {
    let name = parsed(&field.name);
    let single = tag(field.number, &field.kind);
    let record = record_tag(field.number);
    if matches!(field.kind, Kind::Enum { closed: true, .. }) {
        return read_closed(field, unknown);
    }
    let kind_name = kind(&field.kind);
    match &field.shape {
        Shape::Implicit => quote!(#single => reader.singular::<#kind_name>(&mut self.#name),),
        Shape::Optional => quote!(#single => reader.optional::<#kind_name>(&mut self.#name),),
        Shape::Message if field.kind.is_delimited() => {
            quote!(#single => reader.delimited(&mut self.#name),)
        }
        Shape::Message => quote!(#single => reader.field(&mut self.#name),),
        Shape::Repeated { .. } => {
            let packed = field
                .kind
                .is_packable()
                .then(|| quote!(#record => reader.packed::<#kind_name>(&mut self.#name),));
            quote! {
                #packed
                #single => reader.repeated::<#kind_name>(&mut self.#name),
            }
        }
        Shape::Map { key, .. } => {
            let key = kind(key);
            quote!(#record => reader.map::<#key, #kind_name>(&mut self.#name),)
        }
    }
}

/// Whether reading the field names a kind.
fn names_kinds_to_read(field: &Field) -> bool {
    match field.shape {
        Shape::Message => false,
        Shape::Map { .. } => true,
        Shape::Implicit | Shape::Optional | Shape::Repeated { .. } => {
            !matches!(field.kind, Kind::Enum { closed: true, .. })
        }
    }
}

/// The arms of a field whose values can be refused: those are kept with what is unknown.
fn read_closed(field: &Field, unknown: &TokenStream) -> TokenStream {
    let name = parsed(&field.name);
    let single = tag(field.number, &field.kind);
    let record = record_tag(field.number);
    let places = quote!(&mut self.#name, &mut self.#unknown);
    match &field.shape {
        Shape::Repeated { .. } => quote! {
            #record => reader.closed_packed(#places),
            #single => reader.closed_repeated(#places),
        },
        Shape::Map { key, .. } => {
            let key = kind(key);
            quote!(#record => reader.closed_map::<#key, _>(#places),)
        }
        // A closed enum without presence is refused by protoc.
        Shape::Implicit | Shape::Optional | Shape::Message => {
            quote!(#single => reader.closed(#places),)
        }
    }
}

fn check_field(field: &Field) -> TokenStream {
    let (name, shown) = (parsed(&field.name), &field.proto_name);
    let whole = || match &field.shape {
        Shape::Map { .. } => quote!(check_each(self.#name.values(), #shown)?;),
        Shape::Repeated { .. } => quote!(check_each(&self.#name, #shown)?;),
        _ => quote!(check_field(&self.#name, #shown)?;),
    };
    match field.check {
        Check::Nothing => TokenStream::new(),
        Check::Whole => whole(),
        Check::Required { message } => {
            let whole = message.then(whole);
            quote!(require(self.#name.is_some(), #shown)?; #whole)
        }
    }
}
