//! Getters: the methods that give a field, or its default where it is not set.

use proc_macro2::TokenStream;
use quote::quote;

use super::{Printer, allow_deprecated, parsed};
use crate::schema::model::{Getter, Kind, Member, Message, Scalar};

impl Printer {
    /// One for each field and member of a oneof that has a default to give.
    pub(super) fn getters(&self, message: &Message) -> Option<TokenStream> {
        let mut getters: Vec<TokenStream> = Vec::new();
        for member in &message.members {
            match member {
                Member::Field(field) => getters.extend(field.getter.as_ref().map(|getter| {
                    let (name, default) = (parsed(&field.name), parsed(&getter.default));
                    let borrowed = is_borrowed(&getter.kind).then(|| quote!(.as_deref()));
                    let body = quote!(self.#name #borrowed.unwrap_or(#default));
                    self.getter(&field.proto_name, getter, &body)
                })),
                Member::Oneof(oneof) => {
                    let (runtime, name) = (&self.runtime, parsed(&oneof.field));
                    let path = super::oneof::path(message, oneof);
                    getters.extend(oneof.members.iter().filter_map(|of| {
                        let getter = of.getter.as_ref()?;
                        let (member, default) = (parsed(&of.name), parsed(&getter.default));
                        let value_or = match is_borrowed(&getter.kind) {
                            true => quote!(slice_or),
                            false => quote!(member_or),
                        };
                        let body = quote! {
                            #runtime::#value_or!(self.#name, #path::#member, #default)
                        };
                        Some(self.getter(&of.proto_name, getter, &body))
                    }));
                }
            }
        }
        let (name, allow) = (parsed(&message.name), allow_deprecated(message.uses_deprecated));
        (!getters.is_empty()).then(|| {
            quote! {
                #allow
                impl #name {
                    #(#getters)*
                }
            }
        })
    }

    fn getter(&self, field: &str, getter: &Getter, body: &TokenStream) -> TokenStream {
        let method = parsed(&getter.method);
        let doc = format!(" `{field}`, or its default where it is not set.");
        let given = match getter.kind {
            Kind::Scalar(Scalar::Str) => quote!(&str),
            _ if is_borrowed(&getter.kind) => quote!(&[u8]),
            _ => self.value_type(&getter.kind),
        };
        quote! {
            #[doc = #doc]
            pub fn #method(&self) -> #given {
                #body
            }
        }
    }
}

/// Whether a slice of the field is given, and not its value.
fn is_borrowed(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Scalar(Scalar::Str | Scalar::ByteStr | Scalar::Bytes | Scalar::SharedBytes)
    )
}
