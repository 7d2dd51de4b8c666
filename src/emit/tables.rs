//! The tables that generated code hands to the runtime's macros, laid out as people write them.
//!
//! The printer of syntax trees knows nothing of what stands in a macro and fills lines with it.

/// The macros whose tables are laid out.
const MACROS: [&str; 3] = ["::reflect! {", "::open_enumeration! {", "::clear! {"];

/// Puts each entry of a table on a line of its own, unless all fit into one line.
pub(super) fn lay_out(source: &str) -> String {
    let mut laid_out = String::with_capacity(source.len());
    let mut lines = source.lines();
    while let Some(line) = lines.next() {
        laid_out.push_str(line);
        if !begins_table(line) {
            laid_out.push('\n');
            continue;
        }
        let indent = &line[..line.len() - line.trim_start().len()];
        let mut table = String::new();
        let mut end = "";
        for line in lines.by_ref() {
            if line.strip_prefix(indent) == Some("}") {
                end = line;
                break;
            }
            table.extend([line.trim(), " "]);
        }
        let width = line.len() + table.len() + end.trim_start().len();
        if width < WIDTH {
            laid_out.extend([" ", &table.replacen('[', " [", 1), end.trim_start(), "\n"]);
            continue;
        }
        laid_out.push('\n');
        for entry in table.split_terminator(';').map(str::trim).filter(|entry| !entry.is_empty()) {
            push_entry(&mut laid_out, indent, &entry.replacen('[', " [", 1));
        }
        laid_out.extend([end, "\n"]);
    }
    laid_out
}

/// Whether a table begins behind this line, which a comment may end with as well.
fn begins_table(line: &str) -> bool {
    let is_comment = line.trim_start().starts_with("//");
    !is_comment && MACROS.iter().any(|name| line.ends_with(name))
}

/// An entry, broken after commas where it is long.
fn push_entry(laid_out: &mut String, indent: &str, entry: &str) {
    let mut column = usize::MAX;
    for part in entry.split_inclusive(", ") {
        if column.saturating_add(part.len()) > WIDTH_OF_ENTRY {
            if column != usize::MAX {
                laid_out.truncate(laid_out.trim_end_matches(' ').len());
                laid_out.push('\n');
            }
            laid_out.extend([indent, "    "]);
            column = indent.len() + 4;
        }
        laid_out.push_str(part);
        column += part.len();
    }
    laid_out.push_str(";\n");
}

/// Columns of a table that stands in one line.
const WIDTH: usize = 120;

/// Columns of a line of an entry that takes several.
const WIDTH_OF_ENTRY: usize = 96;

#[cfg(test)]
mod tests {
    use super::*;

    /// A short table stands in one line, a long one has a line for each entry, and a long entry is
    /// broken after commas.
    #[test]
    fn tables_have_a_line_for_each_entry() {
        let short = "    ::rust_grpc::clear! {\n        a, b; c\n    }\n";
        assert_eq!(lay_out(short), "    ::rust_grpc::clear! { a, b; c }\n");

        let names = ["a_name"; 20].join(", ");
        let long = format!("::rust_grpc::clear! {{\n    {names}; c\n}}\nafter\n");
        let expected = format!(
            "::rust_grpc::clear! {{\n    {},\n    {};\n    c;\n}}\nafter\n",
            ["a_name"; 11].join(", "),
            ["a_name"; 9].join(", "),
        );
        assert_eq!(lay_out(&long), expected);
    }

    /// A comment that ends as a table begins is a comment, and what follows it stays as it is.
    #[test]
    fn comments_begin_no_table() {
        let source = "struct A {\n    /// ::reflect! {\n    b: i32,\n    c: i32,\n}\n";
        assert_eq!(lay_out(source), source);
    }
}
