//! Extensions: a constant each, and what messages need to hold them.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::{Printer, allow_deprecated, header, kind, parsed};
use crate::schema::model::{Extension, ExtensionShape, Kind, Message, Scalar};

impl Printer {
    pub(super) fn extension(&self, extension: &Extension) -> TokenStream {
        let runtime = &self.runtime;
        let header = header(&extension.header);
        let allow = allow_deprecated(extension.uses_deprecated);
        let (name, extendee) = (parsed(&extension.name), parsed(&extension.extendee));
        let value = self.value_type(&extension.kind);
        let value = match extension.shape {
            ExtensionShape::Repeated { .. } => quote!(::std::vec::Vec<#value>),
            ExtensionShape::Singular | ExtensionShape::Item => value,
        };
        let (full_name, number) = (&extension.full_name, Literal::u32_unsuffixed(extension.number));
        let shape = shape(extension);
        let default = extension.default.as_deref().map(|default| {
            let default = default_value(&extension.kind, default);
            quote!(.with_default(|| #default))
        });
        quote! {
            #header
            #allow
            pub const #name: #runtime::Extension<#extendee, #value> = {
                use #runtime::generated::extension::*;
                Extension::new::<#shape>(#full_name, #number)#default
            };
        }
    }

    /// For messages that leave numbers for extensions.
    pub(super) fn extendable(&self, message: &Message) -> Option<TokenStream> {
        let runtime = &self.runtime;
        let allow = allow_deprecated(message.uses_deprecated);
        let (name, unknown) = (parsed(&message.name), parsed(message.unknown));
        message.extendable.then(|| {
            quote! {
                #allow
                impl #runtime::Extendable for #name {
                    fn extension_fields(&self) -> &#runtime::UnknownFields {
                        &self.#unknown
                    }
                    fn extension_fields_mut(&mut self) -> &mut #runtime::UnknownFields {
                        &mut self.#unknown
                    }
                }
            }
        })
    }
}

/// What the runtime calls the way in which the values stand on the wire.
fn shape(extension: &Extension) -> TokenStream {
    let closed = matches!(extension.kind, Kind::Enum { closed: true, .. });
    let kind = kind(&extension.kind);
    match extension.shape {
        ExtensionShape::Item => quote!(Item<_>),
        ExtensionShape::Singular if closed => quote!(Closed<_>),
        ExtensionShape::Singular => quote!(Singular<#kind>),
        ExtensionShape::Repeated { packed: true } if closed => quote!(ClosedPacked<_>),
        ExtensionShape::Repeated { packed: false } if closed => quote!(ClosedExpanded<_>),
        ExtensionShape::Repeated { packed: true } => quote!(Packed<#kind>),
        ExtensionShape::Repeated { packed: false } if extension.kind.is_packable() => {
            quote!(Expanded<#kind>)
        }
        ExtensionShape::Repeated { packed: false } => quote!(Repeated<#kind>),
    }
}

/// A default as a value of the extension's own type.
fn default_value(kind: &Kind, default: &str) -> TokenStream {
    let value = parsed(default);
    match kind {
        Kind::Scalar(Scalar::Str) => quote!(::std::string::String::from(#value)),
        Kind::Scalar(Scalar::ByteStr | Scalar::Bytes) => quote!((#value as &[u8]).into()),
        // The names of the block stand before those of the module.
        Kind::Enum { path, .. } if !path.starts_with("::") && !path.starts_with("crate") => {
            quote!(self::#value)
        }
        _ => value,
    }
}
