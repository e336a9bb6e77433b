//! The loader of the booking frame as it is sent: without remarks and needless spaces.
//!
//! It does not rename or reorder anything, so it needs no parser: it knows words, strings and
//! lines that are remarks. It is *not* for any JavaScript: regular expressions, templates and
//! strings that end a block or a list are not understood.

/// The same script, smaller.
pub fn squeeze(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")).collect();
    let joined: Vec<char> = lines.join("\n").chars().collect();
    let mut squeezed = String::with_capacity(joined.len());
    let mut inside: Option<char> = None;
    for (n, sign) in joined.iter().copied().enumerate() {
        match inside {
            Some(quote) => inside = (sign != quote).then_some(quote),
            None if sign == '"' => inside = Some(sign),
            None if is_needless(sign, squeezed.chars().last(), joined.get(n + 1).copied()) => continue,
            None => {}
        }
        squeezed.push(sign);
    }
    // What ends a block ends its last statement too.
    [(";}", "}"), (",}", "}"), (",)", ")"), (",]", "]"), (";\n", ";")]
        .into_iter()
        .fold(squeezed, |text, (from, to)| text.replace(from, to))
}

/// A space between two words is one; the end of a line may be the end of a statement.
fn is_needless(sign: char, before: Option<char>, after: Option<char>) -> bool {
    let is_word = |sign: Option<char>| sign.is_some_and(|sign| sign.is_alphanumeric() || sign == '_' || sign == '$');
    match sign {
        ' ' => !(is_word(before) && is_word(after)),
        '\n' => before.is_none_or(|sign| "{(,;[=:?&|".contains(sign)) || after.is_none_or(|sign| "})],?:.&|".contains(sign)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remarks_and_spaces_go_and_words_stay_apart() {
        let text = "// A remark.\n(() => {\n  const one = 1;\n  // Another.\n  return one;\n})();\n";
        assert_eq!(squeeze(text), "(()=>{const one=1;return one})();");
    }

    #[test]
    fn what_stands_between_quotes_is_not_touched() {
        assert_eq!(squeeze("say( \"a , b: // c\" );"), "say(\"a , b: // c\");");
    }

    #[test]
    fn a_line_without_a_semicolon_stays_a_line() {
        assert_eq!(squeeze("a() {\n  b();\n}\nc() {\n}"), "a(){b()}\nc(){}");
    }

    #[test]
    fn the_loader_is_squeezed_to_what_it_may_weigh() {
        let squeezed = squeeze(include_str!("../../../public/embed.js"));
        assert!(
            !squeezed.contains('`') && !squeezed.contains('\'') && !squeezed.contains(" // "),
            "more than is understood here"
        );
        let mut brotli = Vec::new();
        let best = brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 22, size_hint: squeezed.len(), ..Default::default() };
        brotli::BrotliCompress(&mut squeezed.as_bytes(), &mut brotli, &best).unwrap();
        assert!(brotli.len() <= 1200, "{} bytes", brotli.len());
    }
}
