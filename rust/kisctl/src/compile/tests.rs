// SPDX-License-Identifier: GPL-2.0

//! Tables against regex-automata's own overlapping search, scanned by `kis_core`.

use super::*;
use kis_core::matching::signatures::{
    SigSpec,
    Signatures, //
};
use regex_automata::{
    dfa::OverlappingState,
    Input, //
};
use std::ops::ControlFlow;

/// Enough for the sets of these tests.
const BUDGET: Budget = Budget {
    automaton: 1 << 20,
    scratch: 4 << 20,
};

/// A small generator (xorshift64*): the same texts in every run.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let word = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        // CAST: 31 bits.
        word as usize % end
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    /// A pattern over a small alphabet, so that texts match often.
    fn pattern(&mut self, depth: usize) -> String {
        let mut text = String::new();
        for _ in 0..=self.below(3) {
            let atom = match self.below(if depth == 0 { 6 } else { 8 }) {
                0 | 1 => self
                    .pick(&["a", "b", "c", "\\x00", "\\xff", "ab", "A"])
                    .to_owned(),
                2 => self
                    .pick(&["[ab]", "[^a]", "[a-c]", "\\w", "\\d", "\\s", "."])
                    .to_owned(),
                3 => self
                    .pick(&["(?i)a", "(?s).", "(?i:bc)", "\\n", "a|b"])
                    .to_owned(),
                4 => self
                    .pick(&["(?:a{2,3})", "(?:[ab]{1,2})", "(?:b{2})"])
                    .to_owned(),
                5 => self.pick(&["(?:a|bc)", "(?:^a|b)", "(?:ab|a)"]).to_owned(),
                _ => format!("(?:{})", self.pattern(depth - 1)),
            };
            text.push_str(&atom);
            text.push_str(self.pick(&["", "", "", "?", "*", "+", "{0,2}", "+?"]));
        }
        if self.below(8) == 0 {
            text.insert(0, '^');
        }
        text
    }

    fn text(&mut self) -> Vec<u8> {
        let alphabet = b"aaabbbcABC\x00\xff\n 1";
        (0..self.below(60))
            .map(|_| alphabet[self.below(alphabet.len())])
            .collect()
    }
}

/// Signatures of one pattern each.
fn sought(patterns: &[Pattern]) -> Vec<Sought> {
    patterns.iter().cloned().map(Sought::from).collect()
}

/// The image of a table whose patterns have the ids 1, 2, 3...
fn image(table: &Table, patterns: usize) -> Vec<u8> {
    let plan = Plan {
        unled: (0..patterns).collect(),
        table: table.clone(),
        leads: vec![],
        pieces: Pieces::default(),
        terms: Terms::default(),
        scoped: Table::empty(),
        starts: vec![],
    };
    image_of(&plan, patterns)
}

/// The image of a plan whose patterns have the ids 1, 2, 3...
pub(super) fn image_of(plan: &Plan, patterns: usize) -> Vec<u8> {
    let sigs: Vec<SigSpec<'_>> = (1..=patterns)
        .map(|id| SigSpec {
            id: u32::try_from(id).expect("a small number"),
            revision: 1,
            kind: 2,
            message: b"m",
            cell: None,
            ban_s: 0,
            ports: &[],
            threshold: None,
        })
        .collect();
    plan.encode(&sigs, MAX_IMAGE).expect("an image")
}

/// Pattern and end of every match, as the kernel would see it in chunks.
fn scanned(image: &[u8], text: &[u8], random: &mut Random) -> Vec<(usize, usize)> {
    let signatures = Signatures::verify(image).expect("a verified image");
    let mut progress = signatures.begin();
    let (mut hits, mut at) = (Vec::new(), 0);
    while at < text.len() {
        let len = 1 + random.below((text.len() - at).min(7));
        let flow = signatures.scan(&mut progress, &text[at..at + len], |hit| {
            hits.push((hit.sig, at + hit.end));
            ControlFlow::Continue(())
        });
        assert!(flow.is_continue());
        at += len;
    }
    hits
}

/// The same by regex-automata, from an automaton that we had no part in.
fn expected(patterns: &[String], text: &[u8]) -> Vec<(usize, usize)> {
    let dfa = dense::Builder::new()
        .configure(dense::Config::new().match_kind(MatchKind::All))
        .syntax(syntax::Config::new().unicode(false).utf8(false))
        .thompson(thompson::Config::new().utf8(false))
        .build_many(patterns)
        .expect("an automaton");
    let mut state = OverlappingState::start();
    let input = Input::new(text);
    let mut hits = Vec::new();
    loop {
        dfa.try_search_overlapping_fwd(&input, &mut state)
            .expect("a search");
        match state.get_match() {
            Some(hit) => hits.push((hit.pattern().as_usize(), hit.offset())),
            None => break,
        }
    }
    hits.sort_by_key(|(pattern, end)| (*end, *pattern));
    hits.dedup();
    hits
}

#[test]
fn table_finds_what_regex_automata_finds() {
    let mut random = Random(0x6b69_7331);
    let (mut sets, mut matches) = (0, 0);
    while sets < 250 {
        let texts: Vec<String> = (0..=random.below(5)).map(|_| random.pattern(2)).collect();
        let parsed: Result<Vec<Pattern>, Problem> =
            texts.iter().map(|text| Pattern::parse(text)).collect();
        // Empty matches and patterns like ^a behind others are refused; there are enough others.
        let Ok(parsed) = parsed else { continue };
        let Ok(table) = table(&parsed, BUDGET) else {
            continue;
        };
        sets += 1;
        let image = image(&table, texts.len());
        for _ in 0..20 {
            let text = random.text();
            let found = scanned(&image, &text, &mut random);
            assert_eq!(found, expected(&texts, &text), "{texts:?} in {text:?}");
            matches += found.len();
        }
    }
    assert!(matches > 5_000, "only {matches} matches");
}

#[test]
fn plan_finds_what_regex_automata_finds() {
    let mut random = Random(0x6b69_7332);
    let (mut sets, mut matches, mut led) = (0, 0, 0);
    while sets < 150 {
        // Words that are long enough, with what may be around them.
        let texts: Vec<String> = (0..=random.below(6))
            .map(|_| {
                let word = |random: &mut Random| {
                    random
                        .pick(&[
                            "abca",
                            "(?i)bcAb",
                            "aaaa",
                            "abcb",
                            "[aA]bc\x00",
                            "cbab",
                            "a[bc]ab",
                        ])
                        .to_owned()
                };
                let first = word(&mut random);
                let mut text = match random.below(6) {
                    0 => format!("{}{first}", random.pattern(1)),
                    1 => format!("{first}{}", random.pattern(1)),
                    2 => format!("{}{first}{}", random.pattern(1), random.pattern(1)),
                    3 => format!("{first}(?s:.*){}", word(&mut random)),
                    4 => format!("(?:{first}|{})[^\n]{{0,3}}c", word(&mut random)),
                    _ => first,
                };
                if random.below(8) == 0 {
                    text.insert(0, '^');
                }
                text
            })
            .collect();
        let parsed: Result<Vec<Pattern>, Problem> =
            texts.iter().map(|text| Pattern::parse(text)).collect();
        let Ok(parsed) = parsed else { continue };
        let Ok(plan) = plan(&sought(&parsed), BUDGET) else {
            continue;
        };
        sets += 1;
        led += texts.len() - plan.unled.len();
        let image = image_of(&plan, texts.len());
        for _ in 0..20 {
            let text = random.text();
            let mut found = scanned(&image, &text, &mut random);
            found.sort_by_key(|(pattern, end)| (*end, *pattern));
            assert_eq!(found, expected(&texts, &text), "{texts:?} in {text:?}");
            matches += found.len();
        }
    }
    assert!(
        matches > 1_000 && led > 300,
        "only {matches} matches of {led}"
    );
}

#[test]
fn literals_are_found_as_far_from_the_beginning_as_may_be() {
    let mut random = Random(3);
    for (pattern, text, is_found) in [
        ("^(?s).{28}evil", format!("{:28}evil", ""), true),
        ("^(?s).{28}evil", format!("{:29}evil", ""), false),
        ("^(?s).{0,28}evil", format!("{:28}evil", ""), true),
        ("^(?s).{0,28}evil", format!("{:29}evil", ""), false),
        ("^x[a-z]{27}evil", format!("x{}evil", "a".repeat(27)), true),
        ("x(?s).{27}evil", format!("{:40}x{:27}evil", "", ""), true),
    ] {
        let parsed = [Pattern::parse(pattern).expect("a pattern")];
        let plan = plan(&sought(&parsed), BUDGET).expect("a plan");
        assert_eq!(plan.leads.len(), 1, "{pattern}");
        let image = image_of(&plan, 1);
        for _ in 0..20 {
            let found = scanned(&image, text.as_bytes(), &mut random);
            assert_eq!(!found.is_empty(), is_found, "{pattern} in {text:?}");
        }
    }
}

#[test]
fn match_is_seen_with_its_last_byte() {
    let parsed = [Pattern::parse("(?i)config\\s+set").expect("a pattern")];
    let image = image(&table(&parsed, BUDGET).expect("a table"), 1);
    let mut random = Random(1);
    assert_eq!(scanned(&image, b"CONFIG  SET", &mut random), [(0, 11)]);
    assert_eq!(scanned(&image, b"CONFIG  SE", &mut random), []);
    assert_eq!(
        scanned(&image, b"xx config set set", &mut random),
        [(0, 13)]
    );
}

#[test]
fn minimised_table_is_as_small_as_regex_automata_makes_it() {
    for texts in [
        vec!["abc", "bc", "[a-f]x"],
        vec!["(?:ab|ac){3}", "a.c"],
        vec!["\\xff\\x00+", "(?s)a.b"],
    ] {
        let parsed: Vec<Pattern> = texts
            .iter()
            .filter_map(|t| Pattern::parse(t).ok())
            .collect();
        let ours = table(&parsed, BUDGET).expect("a table");
        let again = minimise::minimise(&ours);
        assert_eq!(again.states(), ours.states());
        assert_eq!(again.stride, ours.stride);
    }
    // abc alone: nothing, a, ab, abc.
    let parsed = [Pattern::parse("abc").expect("a pattern")];
    let table = table(&parsed, BUDGET).expect("a table");
    assert_eq!((table.states(), table.stride), (4, 4));
    assert_eq!(table.accepts.iter().filter(|a| !a.is_empty()).count(), 1);
}

#[test]
fn refusals_say_what_to_do() {
    for (text, want) in [
        ("a$", "the pattern looks at the end of a line or text ($ or \\z)"),
        ("a\\z", "the pattern looks at the end of a line or text ($ or \\z)"),
        ("(?m)a$", "the pattern looks at the end of a line or text ($ or \\z)"),
        ("(?m)^a", "the pattern looks at the start of a line ((?m)^)"),
        ("(?-u:\\ba)", "the pattern looks at a word boundary (\\b, \\B, \\< or \\>)"),
        ("a\\B", "the pattern looks at a word boundary (\\b, \\B, \\< or \\>)"),
        ("a*", "the pattern matches nothing at all, and so everywhere"),
        ("a|", "the pattern matches nothing at all, and so everywhere"),
        ("[^\\x00-\\xff]", "the pattern can never match"),
        ("a(b", "column 2 of the pattern: unclosed group"),
        (
            "a(?=b)",
            "column 2 of the pattern: look-around, including look-ahead and look-behind, is not supported",
        ),
        (
            "[\u{e9}]",
            "column 2 of the pattern: only ASCII and bytes can be written there",
        ),
    ] {
        let problem = Pattern::parse(text).expect_err(text);
        assert_eq!(problem.message, want, "{text}");
        assert!(!problem.next.is_empty());
    }
    let parsed: Vec<Pattern> = ["ok", "a^b"]
        .iter()
        .map(|text| Pattern::parse(text).expect("a pattern"))
        .collect();
    let problem = table(&parsed, BUDGET).expect_err("a pattern that cannot match");
    assert_eq!(
        (problem.pattern, &*problem.message),
        (Some(1), "the pattern can never match")
    );
}

#[test]
fn too_large_a_set_is_told_with_figures() {
    let parse = |text: &&str| Pattern::parse(text).expect("a pattern");
    let alone: Vec<Pattern> = ["abc", "(?s)a.{300}b"].iter().map(parse).collect();
    let problem = table(&alone, BUDGET).expect_err("an automaton that explodes");
    assert_eq!(problem.pattern, Some(1));
    let want = "the automaton of this pattern alone needs more than 1024 KiB: ";
    assert!(problem.message.starts_with(want), "{}", problem.message);
    assert!(problem.next.contains("counted repeats"));
    let texts: Vec<String> = (0..14).map(|at| format!("x{at}.*y{at}")).collect();
    let together: Vec<Pattern> = texts.iter().map(|text| parse(&&**text)).collect();
    let problem = table(&together, BUDGET).expect_err("a set that explodes");
    let want = "the automaton of all 14 patterns needs more than 1024 KiB; this one is the largest alone, with ";
    assert!(problem.message.starts_with(want), "{}", problem.message);
}
