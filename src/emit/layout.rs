//! How generated source is laid out: a blank line between items, and between the functions of a
//! trait or an impl. prettyplease prints none.

use syn::Item;

/// The source of a file.
pub(super) fn print(file: syn::File) -> String {
    items(file.items)
}

/// The source of items, a blank line between them.
fn items(items: Vec<Item>) -> String {
    items.into_iter().map(item).collect::<Vec<_>>().join("\n")
}

fn item(item: Item) -> String {
    match item {
        Item::Mod(mut module) => {
            let inside = module.content.as_mut().map(|(_, items)| std::mem::take(items));
            let head = plain(Item::Mod(module));
            match (head.strip_suffix("{}\n"), inside) {
                (Some(head), Some(inside)) if !inside.is_empty() => {
                    format!("{head}{{\n{}}}\n", indented(&items(inside)))
                }
                _ => head,
            }
        }
        item @ (Item::Impl(_) | Item::Trait(_)) => with_functions_apart(&plain(item)),
        item => plain(item),
    }
}

fn plain(item: Item) -> String {
    let attrs = Vec::new();
    prettyplease::unparse(&syn::File { shebang: None, attrs, items: vec![item] })
}

fn indented(source: &str) -> String {
    let lines = source.lines().map(|line| match line {
        "" => "\n".to_owned(),
        line => format!("{INDENT}{line}\n"),
    });
    lines.collect()
}

/// A trait or an impl with a blank line behind each function, and before one that follows constants.
fn with_functions_apart(source: &str) -> String {
    let mut apart = String::with_capacity(source.len() + 64);
    let mut before = "";
    for line in source.lines() {
        let member = line.strip_prefix(INDENT).filter(|member| !member.starts_with(' '));
        let starts = member.is_some_and(|member| member != "}");
        let function = member.is_some_and(|member| member.starts_with("fn "));
        if starts && before == "    }" || function && before.ends_with(';') {
            apart.push('\n');
        }
        apart.extend([line, "\n"]);
        before = line;
    }
    apart
}

const INDENT: &str = "    ";

#[cfg(test)]
mod tests {
    use super::*;

    /// Items stand apart, in modules too, and so do functions; constants and fields do not.
    #[test]
    fn items_and_functions_stand_apart() {
        let given = "
            const A: u8 = 1; struct B { c: u8, d: u8 }
            mod e { struct F; mod g { struct H; struct I; } }
            impl B {
                const J: u8 = 2; const K: u8 = 3;
                fn l(&self) { if true { m() } }
                /// Gives a byte.
                fn n(&self) -> u8 { 1 }
            }";
        let expected = "\
const A: u8 = 1;

struct B {
    c: u8,
    d: u8,
}

mod e {
    struct F;

    mod g {
        struct H;

        struct I;
    }
}

impl B {
    const J: u8 = 2;
    const K: u8 = 3;

    fn l(&self) {
        if true {
            m()
        }
    }

    /// Gives a byte.
    fn n(&self) -> u8 {
        1
    }
}
";
        assert_eq!(print(syn::parse_str(given).unwrap()), expected);
    }
}
