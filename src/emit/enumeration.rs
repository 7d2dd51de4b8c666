//! An enum: where it is open a newtype over `i32` whose constants read like variants, where it is
//! closed a Rust enum.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::{Printer, above, allow_deprecated, header, lints, parsed};
use crate::schema::model::{EnumValue, Enumeration};

impl Printer {
    pub(super) fn enumeration(&self, enumeration: &Enumeration) -> TokenStream {
        let definition = match enumeration.closed {
            true => self.closed(enumeration),
            false => self.open(enumeration),
        };
        let reflection = self.reflect_enumeration(enumeration);
        quote!(#definition #reflection)
    }

    /// A Rust enum; further names of a number are constants.
    fn closed(&self, enumeration: &Enumeration) -> TokenStream {
        let runtime = &self.runtime;
        let (above, lints) = (above(&enumeration.header), lints(&enumeration.header));
        let allow = allow_deprecated(enumeration.header.deprecated);
        let name = parsed(&enumeration.name);
        let mut first: Vec<&EnumValue> = Vec::new();
        let mut aliases = Vec::new();
        for value in &enumeration.values {
            match first.iter().find(|first| first.number == value.number) {
                None => first.push(value),
                Some(first) => {
                    let (header, alias) = (header(&value.header), parsed(&value.name));
                    let first = parsed(&first.name);
                    aliases.push(quote!(#header pub const #alias: Self = Self::#first;));
                }
            }
        }
        let variants = first.iter().enumerate().map(|(index, value)| {
            let (header, name) = (header(&value.header), parsed(&value.name));
            let number = Literal::i32_unsuffixed(value.number);
            let default = (index == 0).then(|| quote!(#[default]));
            quote!(#header #default #name = #number)
        });
        let aliases = (!aliases.is_empty()).then(|| {
            quote! {
                #[allow(non_upper_case_globals)]
                #allow
                impl #name {
                    #(#aliases)*
                }
            }
        });
        let arms = first.iter().map(|value| {
            let (name, number) = (parsed(&value.name), Literal::i32_unsuffixed(value.number));
            quote!(#number => Self::#name,)
        });
        let full_name = &enumeration.full_name;
        let names = names(enumeration);
        quote! {
            #above
            #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Debug)]
            #lints
            #allow
            #[repr(i32)]
            pub enum #name {
                #(#variants,)*
            }
            #aliases
            #allow
            impl #runtime::Enumeration for #name {
                const FULL_NAME: &'static str = #full_name;
                const NAMES: &'static [(&'static str, i32)] = &[#names];
                fn from_number(number: i32) -> ::core::option::Option<Self> {
                    ::core::option::Option::Some(match number {
                        #(#arms)*
                        _ => return ::core::option::Option::None,
                    })
                }
                fn number(self) -> i32 {
                    self as i32
                }
            }
        }
    }

    /// A newtype with constants.
    fn open(&self, enumeration: &Enumeration) -> TokenStream {
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
        let named = enumeration.values.iter().map(|value| {
            let (constant, name) = (parsed(&value.name), &value.proto_name);
            quote!(#constant = #name;)
        });
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
            #runtime::open_enumeration! {
                #name = #full_name;
                #(#named)*
            }
        }
    }
}

/// Each value's name in the .proto, with its number.
fn names(enumeration: &Enumeration) -> TokenStream {
    let names = enumeration.values.iter().map(|value| {
        let (name, number) = (&value.proto_name, Literal::i32_unsuffixed(value.number));
        quote!((#name, #number))
    });
    quote!(#(#names),*)
}
