//! An open enum: a newtype over `i32` whose constants read like variants.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::{Printer, above, allow_deprecated, header, lints, parsed};
use crate::schema::model::Enumeration;

impl Printer {
    pub(super) fn enumeration(&self, enumeration: &Enumeration) -> TokenStream {
        let runtime = &self.runtime;
        let (above, lints) = (above(&enumeration.header), lints(&enumeration.header));
        let allow = allow_deprecated(enumeration.header.deprecated);
        let name = parsed(&enumeration.name);
        let constants = enumeration.values.iter().map(|value| {
            let (header, name) = (header(&value.header), parsed(&value.name));
            let number = Literal::i32_unsuffixed(value.number);
            quote!(#header pub const #name: Self = Self(#number);)
        });
        let full_name = &enumeration.full_name;
        let names = enumeration.values.iter().map(|value| {
            let (name, number) = (&value.proto_name, Literal::i32_unsuffixed(value.number));
            quote!((#name, #number))
        });
        let shown_type = shown(&enumeration.name);
        let shown = enumeration.values.iter().map(|value| shown(&value.name));
        quote! {
            #above
            #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
            #lints
            #allow
            pub struct #name(pub i32);
            #[allow(non_upper_case_globals)]
            #allow
            impl #name {
                #(#constants)*
            }
            #allow
            impl #runtime::Enumeration for #name {
                const FULL_NAME: &'static str = #full_name;
                const NAMES: &'static [(&'static str, i32)] = &[#(#names),*];
                fn from_number(number: i32) -> Self {
                    Self(number)
                }
                fn number(self) -> i32 {
                    self.0
                }
            }
            #allow
            impl ::core::fmt::Debug for #name {
                fn fmt(&self, formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    use #runtime::generated::message::debug_enumeration;
                    debug_enumeration(*self, #shown_type, &[#(#shown),*], formatter)
                }
            }
        }
    }
}

/// A name without the marks of a raw identifier.
fn shown(name: &str) -> &str {
    name.strip_prefix("r#").unwrap_or(name)
}
