// SPDX-License-Identifier: GPL-2.0

//! A rule of Suricata or Snort, taken apart: header and options, in their order.
//!
//! `action protocol addresses ports direction addresses ports (name:value; name; …)`; a semicolon, a
//! quotation mark and a backslash stand behind a backslash where they are meant, and a quoted value may have a
//! semicolon. What an option means is somebody else's business.

/// An option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Its name, in small letters.
    pub name: String,
    /// What is behind the colon.
    pub value: String,
}

/// A rule.
///
/// # Examples
///
/// ```
/// use kisctl::import::rule::Rule;
///
/// let text = r#"alert tcp any any -> $HOME_NET 21 (msg:"a; b"; content:"x|3b|"; nocase; sid:7;)"#;
/// let rule = Rule::parse(text).expect("a rule");
/// assert_eq!((rule.protocol.as_str(), rule.ports.as_str()), ("tcp", "21"));
/// assert_eq!(rule.value("msg"), Some("a; b"));
/// assert_eq!(rule.options.len(), 4);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What is to be done: `alert`.
    pub action: String,
    /// `tcp`, `http` and the like.
    pub protocol: String,
    /// Whether it looks at both directions (`<>`).
    pub is_both: bool,
    /// The ports that what it looks at comes from, as the rule has them.
    pub source_ports: String,
    /// Those that it goes to.
    pub ports: String,
    /// The options.
    pub options: Vec<Choice>,
}

impl Rule {
    /// Takes a line apart; the error says what is wrong with it.
    ///
    /// # Errors
    ///
    /// When it has no options, too few words before them, or an option that does not end.
    pub fn parse(line: &str) -> Result<Self, &'static str> {
        let line = line.trim();
        let open = line.find('(').ok_or("it has no options")?;
        let (head, rest) = line.split_at(open);
        let inner = rest
            .strip_prefix('(')
            .and_then(|rest| rest.trim_end().strip_suffix(')'));
        let inner = inner.ok_or("its options do not end")?;
        let words: Vec<&str> = words(head);
        let [action, protocol, _, source_ports, arrow, _, ports] = words[..] else {
            return Err("its head has other than seven words");
        };
        if !matches!(arrow, "->" | "<>") {
            return Err("it has no direction");
        }
        Ok(Self {
            action: action.to_owned(),
            protocol: protocol.to_owned(),
            is_both: arrow == "<>",
            source_ports: source_ports.to_owned(),
            ports: ports.to_owned(),
            options: options(inner)?,
        })
    }

    /// The value of the first option of a name, without quotation marks.
    pub fn value(&self, name: &str) -> Option<&str> {
        let mut options = self.options.iter();
        let found = options.find(|option| option.name == name)?;
        Some(unquoted(&found.value))
    }
}

/// The words of a head; a list in brackets is one.
fn words(head: &str) -> Vec<&str> {
    let parts = outside(head, char::is_whitespace);
    parts.filter(|word| !word.is_empty()).collect()
}

/// The parts of a text between separators that are in no brackets.
pub fn outside(text: &str, is_separator: fn(char) -> bool) -> impl Iterator<Item = &str> {
    let mut depth = 0_u32;
    text.split(move |c: char| {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && is_separator(c)
    })
}

/// A value without the quotation marks around it.
pub fn unquoted(value: &str) -> &str {
    let inner = value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'));
    inner.unwrap_or(value)
}

/// Whether a value says what must not be there, and the rest of it without quotation marks.
pub fn negated(value: &str) -> (bool, &str) {
    match value.trim().strip_prefix('!') {
        Some(rest) => (true, unquoted(rest.trim())),
        None => (false, unquoted(value)),
    }
}

/// The options of a rule.
fn options(text: &str) -> Result<Vec<Choice>, &'static str> {
    let mut options = Vec::new();
    let (mut start, mut is_quoted, mut is_escaped) = (0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            ';' if !is_quoted => {
                options.extend(option(&text[start..at]));
                start = at + 1;
            }
            _ => {}
        }
    }
    if is_quoted || !text[start..].trim().is_empty() {
        return Err("an option does not end");
    }
    Ok(options)
}

/// An option; nothing where there is none between two semicolons.
fn option(text: &str) -> Option<Choice> {
    let text = text.trim();
    let (name, value) = text.split_once(':').unwrap_or((text, ""));
    (!name.trim().is_empty()).then(|| Choice {
        name: name.trim().to_ascii_lowercase(),
        value: value.trim().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_taken_apart() {
        let text = "alert http [10.0.0.0/8, !10.1.0.0/16] any -> any [80, 8080] \
                    (msg:\"say \\\"x\\;\\\"\"; pcre:\"/a\\/b;c/i\"; flow: to_server , established; nocase; sid:1; )";
        let rule = Rule::parse(text).expect("a rule");
        assert_eq!(rule.ports, "[80, 8080]");
        let names: Vec<&str> = rule.options.iter().map(|o| o.name.as_str()).collect();
        assert_eq!(names, ["msg", "pcre", "flow", "nocase", "sid"]);
        assert_eq!(rule.value("pcre"), Some("/a\\/b;c/i"));
        assert_eq!(rule.value("nothing"), None);
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        for (text, why) in [
            ("", "it has no options"),
            (
                "alert tcp any any -> any any (sid:1;",
                "its options do not end",
            ),
            (
                "alert tcp any any -> any (sid:1;)",
                "its head has other than seven words",
            ),
            (
                "alert tcp any any to any any (sid:1;)",
                "it has no direction",
            ),
            (
                "alert tcp any any -> any any (sid:1)",
                "an option does not end",
            ),
            (
                "alert tcp any any -> any any (msg:\"x; sid:1;)",
                "an option does not end",
            ),
        ] {
            assert_eq!(Rule::parse(text), Err(why), "{text}");
        }
    }
}
