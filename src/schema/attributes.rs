//! The user's attributes for a type, without what generated code derives already.

use quote::quote;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Attribute, Path, Token};

/// The attributes as source text. A derive of what is in `derived`, or of what an attribute before
/// it derives, is left out: a trait can be implemented once, and an attribute for a whole package
/// meets enums, which derive more than messages do.
pub(super) fn without_derived(attributes: Vec<String>, derived: &[&str]) -> Vec<String> {
    let mut seen: Vec<String> = derived.iter().map(|&name| name.to_owned()).collect();
    attributes.into_iter().filter_map(|text| reduced(text, &mut seen)).collect()
}

/// One attribute of the user's, which may be several; `None` if nothing is left of it.
fn reduced(text: String, seen: &mut Vec<String>) -> Option<String> {
    let parsed = Attribute::parse_outer.parse_str(&text).expect("the options hold attributes");
    let mut changed = false;
    let mut kept = Vec::new();
    for attribute in parsed {
        let paths = attribute.parse_args_with(Punctuated::<Path, Token![,]>::parse_terminated);
        let paths = match paths {
            Ok(paths) if attribute.path().is_ident("derive") => paths,
            Ok(_) | Err(_) => {
                kept.push(quote!(#attribute));
                continue;
            }
        };
        let before = paths.len();
        let paths: Vec<Path> = paths.into_iter().filter(|path| is_new(path, seen)).collect();
        changed |= paths.len() < before;
        if !paths.is_empty() {
            kept.push(quote!(#[derive(#(#paths),*)]));
        }
    }
    match changed {
        false => Some(text),
        true if kept.is_empty() => None,
        true => Some(quote!(#(#kept)*).to_string()),
    }
}

/// Whether nobody derives this yet; then it is noted.
fn is_new(path: &Path, seen: &mut Vec<String>) -> bool {
    let whole = quote!(#path).to_string().replace(' ', "");
    let plain = whole.trim_start_matches("::");
    let standard = ["std::", "core::"].iter().any(|root| plain.starts_with(root));
    let name = if standard { plain.rsplit("::").next().unwrap_or(plain) } else { plain };
    if seen.iter().any(|seen| seen == name) {
        return false;
    }
    seen.push(name.to_owned());
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is derived already is left out, by every name that the standard library has for it.
    #[test]
    fn a_trait_is_derived_once() {
        let check = |given: &[&str], expected: &[&str]| {
            let given = given.iter().map(|&text| text.to_owned()).collect();
            assert_eq!(without_derived(given, &["Clone", "Eq", "Hash"]), expected);
        };
        check(&["#[derive(Eq, Hash)]"], &[]);
        check(&["#[derive(::core::hash::Hash, std::cmp::Eq)]"], &[]);
        check(&["#[derive(Ord,Eq)]"], &["# [derive (Ord)]"]);
        check(&["#[derive(Ord)]", "#[derive(Ord)] #[x(Eq)]"], &["#[derive(Ord)]", "# [x (Eq)]"]);
        check(&["#[derive(other::Eq)]"], &["#[derive(other::Eq)]"]);
        check(&["#[doc = \"Eq\"]"], &["#[doc = \"Eq\"]"]);
    }
}
