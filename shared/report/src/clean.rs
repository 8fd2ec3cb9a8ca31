//! Makes text from outside fit for a page.
//!
//! - Control characters and line and paragraph separators become spaces; runs of white space become one space. In free
//!   text a line break is kept as a new line.
//! - Invisible characters that change how *other* text is shown (bidi overrides and isolates, tags, variation selectors
//!   beyond the first sixteen, byte order marks) are removed: a name cannot reverse the rest of the line. Arabic and
//!   Hebrew text is laid out right to left because of its letters. Joiners stay, because scripts need them.
//! - Noncharacters and private-use characters, which no font defines and PDF/A forbids, become `U+FFFD`; what is shown
//!   for that, and for characters without a glyph, is decided where the fonts are known.
//! - Length is capped, with an ellipsis.

/// The longest one-line value (names, ids), in characters.
pub(crate) const MAX_LINE: usize = 200;
/// The longest free text, in characters.
pub(crate) const MAX_TEXT: usize = 4_000;

/// A one-line value, such as a name or id.
pub(crate) fn line(text: &str) -> String {
    capped(text, MAX_LINE, false)
}

/// Free text, which may have several lines.
pub(crate) fn text(text: &str) -> String {
    capped(text, MAX_TEXT, true)
}

fn capped(text: &str, limit: usize, lines: bool) -> String {
    let mut out = String::new();
    let mut length = 0;
    let mut space = false;
    let mut newlines = 0;
    // The input is limited too: a megabyte of blanks is not worth reading to its end.
    for c in text.chars().take(limit.saturating_mul(4)) {
        match c {
            '\n' | '\u{2028}' | '\u{2029}' if lines => {
                newlines += 1;
                continue;
            }
            c if c.is_whitespace() && c != '\u{a0}' => {
                space = true;
                continue;
            }
            c if c.is_control() => {
                space = true;
                continue;
            }
            c if is_unwanted(c) => continue,
            _ => {}
        }
        if length >= limit {
            out.push('…');
            return out;
        }
        if !out.is_empty() {
            if newlines > 0 {
                out.push('\n');
                length += 1;
            } else if space {
                out.push(' ');
                length += 1;
            }
        }
        space = false;
        newlines = 0;
        out.push(if is_undefined(c) { '\u{fffd}' } else { c });
        length += 1;
    }
    out
}

fn is_unwanted(c: char) -> bool {
    matches!(c,
        '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e0fff}' | '\u{ad}' | '\u{200b}' | '\u{180e}')
}

fn is_undefined(c: char) -> bool {
    let code = u32::from(c);
    matches!(code, 0xe000..=0xf8ff | 0xf_0000..=0x10_ffff | 0xfdd0..=0xfdef) || code & 0xfffe == 0xfffe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_line() {
        assert_eq!(line("  Ana\u{0}\r\n\tMaría\u{202e} \u{1b}[31mLópez "), "Ana María [31mLópez");
        assert_eq!(line("a\u{e000}b\u{ffff}"), "a\u{fffd}b\u{fffd}");
        assert_eq!(line(&"x".repeat(300)).chars().count(), MAX_LINE + 1);
        assert_eq!(line(&" ".repeat(1_000_000)), "");
    }

    #[test]
    fn free_text_keeps_its_lines() {
        assert_eq!(text("one\r\ntwo\n\n\nthree  four"), "one\ntwo\nthree four");
    }
}
