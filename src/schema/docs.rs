//! Comments to doc lines, with the markdown that would break rustdoc defused.
//!
//! A .proto's comment is prose that nobody wrote for rustdoc: an indented example would be compiled
//! as a Rust test, `[Foo][pkg.Foo]` is a broken link, `<name>` an unclosed tag and a bare address a
//! warning. What is code stays as it is, in a fence marked `text`.

/// One line of docs for each line of the leading and then of the trailing comment.
pub(crate) fn lines(leading: &str, trailing: &str) -> Vec<String> {
    let mut lines = comment(leading);
    let trailing = comment(trailing);
    if !lines.is_empty() && !trailing.is_empty() {
        lines.push(String::new());
    }
    lines.extend(trailing);
    lines
}

/// The lines of one comment, each but the empty ones with a leading space.
fn comment(text: &str) -> Vec<String> {
    let text: String = text.chars().filter(|&letter| is_harmless(letter)).collect();
    let mut lines: Vec<&str> = text.lines().map(|line| line.trim_end_matches(BLANKS)).collect();
    let blank = |line: &&str| line.is_empty();
    lines.drain(..lines.iter().take_while(|line| blank(line)).count());
    lines.truncate(lines.len() - lines.iter().rev().take_while(|line| blank(line)).count());
    // The space after the slashes belongs to the comment's marks.
    let spaced = lines.iter().all(|line| line.is_empty() || line.starts_with(' '));
    let mut markdown = Markdown { lines: Vec::new(), block: Block::Text, after_blank: true };
    for line in lines {
        let line = if spaced { line.get(1..).unwrap_or("") } else { line };
        markdown.line(&line.replace('\t', "    "));
    }
    markdown.finish()
}

struct Markdown {
    lines: Vec<String>,
    block: Block,
    after_blank: bool,
}

/// What the line before belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Block {
    Text,
    List,
    /// An example between fences.
    Fenced(Example),
    /// An indented example, that a fence is put around: so many lines stand before it.
    Indented(usize),
}

impl Markdown {
    fn line(&mut self, line: &str) {
        let indent = spaces(line);
        let content = &line[indent..];
        match &self.block {
            Block::Fenced(example) => match example.inside(line) {
                Some(code) => {
                    let closes = example.is_closed_by(code);
                    self.push(&format!("{}{code}", example.margin));
                    if closes {
                        self.block = Block::Text;
                    }
                }
                None => {
                    self.close_fence();
                    self.line(line);
                }
            },
            Block::Indented(_) if content.is_empty() || indent >= CODE_INDENT => {
                self.push(line.get(CODE_INDENT..).unwrap_or(""));
            }
            Block::Indented(_) => {
                self.close_example();
                self.line(line);
            }
            Block::Text | Block::List => self.prose(indent, content),
        }
        self.after_blank = content.is_empty();
    }

    fn prose(&mut self, indent: usize, content: &str) {
        let opening = Opening::of(indent, content);
        let Opening { marks, content: inner, .. } = &opening;
        if let Some(fence) = fence(inner) {
            // A list that begins at another number than 1 cannot follow a paragraph directly.
            if !self.after_blank && marks.contains(|mark: char| mark.is_ascii_digit()) {
                self.push("");
            }
            self.push(&format!("{marks}{fence}text"));
            let fence = fence.to_owned();
            self.block = Block::Fenced(Example {
                fence,
                margin: opening.margin,
                containers: opening.containers,
            });
        } else if indent >= CODE_INDENT && self.after_blank && self.block == Block::Text {
            self.block = Block::Indented(self.lines.len());
            self.push(&format!("{}{content}", " ".repeat(indent - CODE_INDENT)));
        } else {
            if item_mark(content).is_some() {
                self.block = Block::List;
            } else if self.after_blank && indent == 0 && !content.is_empty() {
                self.block = Block::Text;
            }
            self.push(&format!("{marks}{}", defused(inner)));
        }
    }

    fn close_fence(&mut self) {
        if let Block::Fenced(Example { fence, margin, .. }) = self.block.clone() {
            self.push(&format!("{margin}{fence}"));
            self.block = Block::Text;
        }
    }

    /// Puts a fence around the example that no line in it can close.
    fn close_example(&mut self) {
        let Block::Indented(start) = self.block else { return };
        let blank = self.lines.iter().rev().take_while(|line| line.is_empty()).count();
        self.lines.truncate(self.lines.len() - blank);
        let marks = self.lines[start..].iter().flat_map(|line| line.split(|mark| mark != '`'));
        let fence = "`".repeat(marks.map(str::len).max().unwrap_or(0).max(2) + 1);
        self.lines.insert(start, format!(" {fence}text"));
        self.push(&fence);
        self.lines.extend(std::iter::repeat_n(String::new(), blank));
        self.block = Block::Text;
    }

    fn push(&mut self, line: &str) {
        let line = line.trim_end_matches(BLANKS);
        self.lines.push(if line.is_empty() { String::new() } else { format!(" {line}") });
    }

    fn finish(mut self) -> Vec<String> {
        match self.block {
            Block::Fenced(_) => self.close_fence(),
            Block::Indented(_) => self.close_example(),
            Block::Text | Block::List => {}
        }
        self.lines
    }
}

/// What stands in front of a line's words: its margin and the marks of lists and quotes, with no
/// gap so wide that an example would begin behind it.
struct Opening<'a> {
    marks: String,
    /// What stands there on the lines that go on in the same item or quote.
    margin: String,
    containers: Vec<Container>,
    content: &'a str,
}

/// What takes a part of the margin of each line in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Container {
    /// So many spaces, or fewer.
    Spaces(usize),
    /// A `>`, and so many spaces or fewer.
    Quote(usize),
}

impl<'a> Opening<'a> {
    fn of(indent: usize, content: &'a str) -> Self {
        // A deeper margin would make an example of it.
        let marks = " ".repeat(indent.min(CODE_INDENT - 1));
        let mut opening = Self {
            margin: marks.clone(),
            marks,
            containers: vec![Container::Spaces(indent)],
            content,
        };
        while let Some((length, quotes)) = mark(opening.content) {
            let (mark, rest) = opening.content.split_at(length);
            let gap = spaces(rest);
            // The first space behind a `>` belongs to the mark, whether the line has it or not.
            let one = gap > CODE_INDENT || quotes && gap == 0;
            let kept = " ".repeat(if one { 1 } else { gap });
            opening.marks += &format!("{mark}{kept}");
            if quotes {
                opening.margin += &format!("{mark}{kept}");
                opening.containers.push(Container::Quote(gap));
            } else {
                opening.margin += &format!("{}{kept}", " ".repeat(length));
                opening.containers.push(Container::Spaces(length + gap));
            }
            opening.content = &rest[gap..];
        }
        opening
    }
}

/// A fenced example, which may stand in an item or a quote.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Example {
    fence: String,
    /// In front of each of its lines, so that none leaves the item: the fence would end there, and
    /// the closing one would open another.
    margin: String,
    containers: Vec<Container>,
}

impl Example {
    /// The line without the margin; `None` if it leaves the quote that the example stands in.
    fn inside<'a>(&self, line: &'a str) -> Option<&'a str> {
        let mut rest = line;
        for container in &self.containers {
            let margin = match *container {
                Container::Spaces(width) => width,
                Container::Quote(gap) => {
                    rest = rest[spaces(rest)..].strip_prefix('>')?;
                    gap
                }
            };
            rest = &rest[spaces(rest).min(margin)..];
        }
        Some(rest)
    }

    fn is_closed_by(&self, code: &str) -> bool {
        let mark = self.fence.chars().next();
        let content = code.trim_start_matches(' ');
        spaces(code) < CODE_INDENT
            && content.starts_with(self.fence.as_str())
            && content.chars().all(|letter| Some(letter) == mark)
    }
}

/// The marks that open a fenced example.
fn fence(content: &str) -> Option<&str> {
    let mark = content.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
    let length = content.chars().take_while(|&letter| letter == mark).count();
    let info = &content[length..];
    (length >= 3 && (mark == '~' || !info.contains('`'))).then(|| &content[..length])
}

/// The length of the mark that content begins with, and whether it is that of a quote.
fn mark(content: &str) -> Option<(usize, bool)> {
    match content.starts_with('>') {
        true => Some((1, true)),
        false => item_mark(content).map(|length| (length, false)),
    }
}

/// The length of the mark of a list's item.
fn item_mark(content: &str) -> Option<usize> {
    let after_number = content.trim_start_matches(|letter: char| letter.is_ascii_digit());
    let rest = if after_number.len() < content.len() {
        after_number.strip_prefix(['.', ')'])
    } else {
        content.strip_prefix(['-', '*', '+'])
    };
    let rest = rest.filter(|rest| rest.is_empty() || rest.starts_with(' '))?;
    Some(content.len() - rest.len())
}

/// How many spaces a text begins with. Other white space is content: Chinese paragraphs begin with
/// U+3000.
fn spaces(text: &str) -> usize {
    text.len() - text.trim_start_matches(' ').len()
}

/// One line of prose: brackets and tags as text, bare addresses as links, code untouched.
fn defused(content: &str) -> String {
    let mut result = String::with_capacity(content.len() + 8);
    let mut rest = content;
    while let Some(letter) = rest.chars().next() {
        let taken = if letter == '\\' {
            // What is escaped already stays so.
            rest.chars().take(2).map(char::len_utf8).sum()
        } else if let Some(length) = code_span(rest).or_else(|| inline_link(rest)) {
            length
        } else if let Some(length) = address(rest) {
            result.push_str(&format!("<{}>", &rest[..length]));
            rest = &rest[length..];
            continue;
        } else {
            if matches!(letter, '[' | ']' | '<' | '`') {
                result.push('\\');
            }
            letter.len_utf8()
        };
        result.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    if content.ends_with('\\') { result + "\\" } else { result }
}

/// The length of a code span that ends on the same line.
fn code_span(text: &str) -> Option<usize> {
    let run = |text: &str| text.len() - text.trim_start_matches('`').len();
    let marks = Some(run(text)).filter(|&marks| marks > 0)?;
    let mut at = marks;
    loop {
        at += text[at..].find('`')?;
        let found = run(&text[at..]);
        at += found;
        if found == marks {
            return Some(at);
        }
    }
}

/// The length of `[words](https://…)` or `<https://…>`.
fn inline_link(text: &str) -> Option<usize> {
    let (start, end) = if text.starts_with('<') {
        (1, '>')
    } else {
        let words = text.strip_prefix('[')?.find(['[', ']', '`', '<'])? + 1;
        text[words..].starts_with("](").then_some((words + 2, ')'))?
    };
    let length = address(&text[start..])?;
    text[start + length..].starts_with(end).then_some(start + length + 1)
}

/// The length of an address that the text begins with.
fn address(text: &str) -> Option<usize> {
    let scheme = ["https://", "http://"].into_iter().find(|scheme| text.starts_with(scheme))?;
    let ends = |letter: char| letter.is_whitespace() || "<>()[]{}\"'`|\\^".contains(letter);
    let whole = &text[..text.find(ends).unwrap_or(text.len())];
    let length = whole.trim_end_matches(['.', ',', ';', ':', '!', '?', '*', '_']).len();
    (length > scheme.len()).then_some(length)
}

/// Neither a control character nor one that turns the direction of text: rustc refuses those.
pub(super) fn is_harmless(letter: char) -> bool {
    let turns = matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    (!letter.is_control() || matches!(letter, '\n' | '\t')) && !turns
}

/// Markdown takes a line with this margin for an example, and rustdoc an example for a test.
const CODE_INDENT: usize = 4;

/// What Markdown takes for a margin.
const BLANKS: [char; 2] = [' ', '\t'];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(comment: &str, expected: &[&str]) {
        assert_eq!(lines(comment, ""), expected, "{comment:?}");
    }

    /// Leading and trailing comments become paragraphs, each line with its space.
    #[test]
    fn leading_and_trailing_comments_are_paragraphs() {
        assert_eq!(lines(" One.\n Two.\n", " Three.\n"), [" One.", " Two.", "", " Three."]);
        assert_eq!(lines("", " Only.\n"), [" Only."]);
        assert_eq!(lines("\n\n Middle.\n\n", ""), [" Middle."]);
        assert!(lines("", "").is_empty());
    }

    /// rustdoc compiles indented lines and open fences as Rust: both become fences of text.
    #[test]
    fn examples_become_fences_of_text() {
        check(
            " Say:\n\n     let x;\n       y\n\n Done.",
            &[" Say:", "", " ```text", " let x;", "   y", " ```", "", " Done."],
        );
        check(" ```rust\n fn f() {}\n ```\n [x]", &[" ```text", " fn f() {}", " ```", " \\[x\\]"]);
        check(" ~~~\n never closed", &[" ~~~text", " never closed", " ~~~"]);
        check("     x\n     ```", &[" ````text", " x", " ```", " ````"]);
        check(" ~~~ `a`\n [x]\n ~~~", &[" ~~~text", " [x]", " ~~~"]);
        check("     all of it", &[" ```text", " all of it", " ```"]);
    }

    /// The continuation of an item or of a paragraph is no example, however deep.
    #[test]
    fn continuations_stay_prose() {
        check(" - item\n\n       more\n", &[" - item", "", "    more"]);
        check(" text\n         deep", &[" text", "    deep"]);
    }

    /// Code that begins behind the mark of an item or quote would be compiled: the gap shrinks.
    #[test]
    fn items_and_quotes_hold_no_indented_examples() {
        check(" 1.      text", &[" 1. text"]);
        check(" -     let x;\n *\tlet y;", &[" - let x;", " *    let y;"]);
        check(" >     let x;", &[" > let x;"]);
        check(" > - item\n >\n >       code", &[" > - item", " >", " > code"]);
        check(" - > 1.     deep [x]", &[" - > 1. deep \\[x\\]"]);
    }

    /// A fence behind marks is one too, and its lines stay in the item or quote, where it closes.
    #[test]
    fn fences_in_items_and_quotes_are_found() {
        check(" - ```\n   x [y]\n   ```\n [z]", &[" - ```text", "   x [y]", "   ```", " \\[z\\]"]);
        check(
            " 1. ~~~rust\n fn f() {}\n ~~~\n [z]",
            &[" 1. ~~~text", "    fn f() {}", "    ~~~", " \\[z\\]"],
        );
        check(
            " * Say:\n   ```\n let x;\n ```\n [z]",
            &[" * Say:", "   ```text", "   let x;", "   ```", " \\[z\\]"],
        );
        check(
            " > ```\n > let x;\n > ```\n > [z]",
            &[" > ```text", " > let x;", " > ```", " > \\[z\\]"],
        );
        check(" >* ```\n >  x\n > ```", &[" > * ```text", " >   x", " >   ```"]);
        check(" a\n 7. ```\n    x", &[" a", "", " 7. ```text", "    x", "    ```"]);
        check(" > ```\n > x\n\n [z]", &[" > ```text", " > x", " > ```", "", " \\[z\\]"]);
        check(" - ```\n   x", &[" - ```text", "   x", "   ```"]);
        check(" ```\n ~~~\n ```", &[" ```text", " ~~~", " ```"]);
    }

    /// Spaces and tabs alone are a margin: other white space is text, and none of it is lost.
    #[test]
    fn white_space_beyond_ascii_is_content() {
        check(
            " \u{3000}\u{3000}第一段。\n\n \u{3000}\u{3000}第二段。",
            &[" \u{3000}\u{3000}第一段。", "", " \u{3000}\u{3000}第二段。"],
        );
        check(
            "\u{3000}\u{3000}一。\n\u{3000}\u{3000}二。",
            &[" \u{3000}\u{3000}一。", " \u{3000}\u{3000}二。"],
        );
        check("    x\n\u{a0}\u{a0}é", &[" ```text", " x", " ```", " \u{a0}\u{a0}é"]);
    }

    /// Brackets and tags are text in a .proto, links and tags in rustdoc.
    #[test]
    fn brackets_tags_and_addresses_are_defused() {
        check(" See [Foo][pkg.Foo] or a <name>.", &[" See \\[Foo\\]\\[pkg.Foo\\] or a \\<name>."]);
        check(" At https://a.b/c.", &[" At <https://a.b/c>."]);
        check(
            " At <http://a.b>, [here](https://a.b/c).",
            &[" At <http://a.b>, [here](https://a.b/c)."],
        );
        check(
            " Code `[x] <y>` and a lone ` mark [z].",
            &[" Code `[x] <y>` and a lone \\` mark \\[z\\]."],
        );
        check(" back\\", &[" back\\\\"]);
    }

    /// rustc refuses carriage returns and characters that turn the direction of text.
    #[test]
    fn control_characters_are_left_out() {
        check(" a\r\n b\u{202e}c\u{0}d", &[" a", " bcd"]);
    }
}
