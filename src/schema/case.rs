//! Words of names: from the .proto's spelling to Rust's.
//!
//! Every function is total and depends on its argument alone; whether the result is free, and
//! whether it is a word at all, is for `names.rs` to see.

/// `GetHTTPServer2` and `getHttpServer2` to `get_http_server2`. A name without capitals is kept.
pub(crate) fn snake(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut result = String::with_capacity(name.len() + 4);
    for (at, &letter) in letters.iter().enumerate() {
        if letter.is_ascii_uppercase() && at > 0 {
            let before = letters[at - 1];
            let next_is_small = letters.get(at + 1).is_some_and(char::is_ascii_lowercase);
            let word_ends = before.is_ascii_lowercase() || before.is_ascii_digit();
            if word_ends || before.is_ascii_uppercase() && next_is_small {
                result.push('_');
            }
        }
        result.push(letter.to_ascii_lowercase());
    }
    result
}

/// `snake`, in capitals: `GetHTTPServer` to `GET_HTTP_SERVER`.
pub(crate) fn shouty(name: &str) -> String {
    snake(name).to_ascii_uppercase()
}

/// `NOT_FOUND`, `not_found` and `notFound` to `NotFound`. A word with a small letter keeps its
/// other capitals: `IPv4_only` to `IPv4Only`. Empty, or with a leading digit, if the name has no
/// better to give.
pub(crate) fn camel(name: &str) -> String {
    let mut result = String::with_capacity(name.len());
    for word in name.split('_').filter(|word| !word.is_empty()) {
        let mixed = word.chars().any(|letter| letter.is_ascii_lowercase());
        let (first, rest) = word.split_at(1);
        result.push_str(&first.to_ascii_uppercase());
        if mixed {
            result.push_str(rest);
        } else {
            result.push_str(&rest.to_ascii_lowercase());
        }
    }
    result
}

/// `MOOD_HAPPY` of an enum `Mood` to `HAPPY`: the enum's name, compared without case and
/// underscores, goes if an underscore follows it.
pub(crate) fn without_prefix<'a>(value: &'a str, enumeration: &str) -> Option<&'a str> {
    let mut wanted = enumeration.chars().filter(|&letter| letter != '_').peekable();
    for (at, letter) in value.char_indices() {
        if wanted.peek().is_none() {
            let rest = value[at..].strip_prefix('_')?.trim_start_matches('_');
            return (!rest.is_empty()).then_some(rest);
        }
        if letter != '_' && !wanted.next()?.eq_ignore_ascii_case(&letter) {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A capital begins a word after a small letter or digit, or before a small letter.
    #[test]
    fn snake_breaks_where_a_word_begins() {
        for (name, expected) in [
            ("SayHello", "say_hello"),
            ("GetHTTPServer2", "get_http_server2"),
            ("userID", "user_id"),
            ("Get_Foo", "get_foo"),
            ("already_snake_", "already_snake_"),
            ("V2Beta", "v2_beta"),
            ("X", "x"),
        ] {
            assert_eq!(snake(name), expected);
        }
        assert_eq!(shouty("RouteGuide"), "ROUTE_GUIDE");
    }

    /// Words of capitals become small; words with small letters keep their capitals.
    #[test]
    fn camel_keeps_capitals_of_mixed_words() {
        for (name, expected) in [
            ("NOT_FOUND", "NotFound"),
            ("email", "Email"),
            ("IPv4_only", "IPv4Only"),
            ("homeAddress", "HomeAddress"),
            ("V1_2", "V12"),
            ("_1", "1"),
            ("__", ""),
        ] {
            assert_eq!(camel(name), expected);
        }
    }

    /// The prefix is the enum's whole name and ends at an underscore.
    #[test]
    fn a_prefix_is_the_whole_name_of_the_enum() {
        assert_eq!(without_prefix("MOOD_HAPPY", "Mood"), Some("HAPPY"));
        assert_eq!(without_prefix("HTTP_METHOD_GET", "HTTPMethod"), Some("GET"));
        assert_eq!(without_prefix("OAUTH_KIND_A", "OAuthKind"), Some("A"));
        assert_eq!(without_prefix("MOODY_DAY", "Mood"), None);
        assert_eq!(without_prefix("HAPPY", "Mood"), None);
        assert_eq!(without_prefix("MOOD_", "Mood"), None);
        assert_eq!(without_prefix("MOOD", "Mood"), None);
    }
}
