// SPDX-License-Identifier: GPL-2.0

//! The buffers of rules: which scope each is, and what it has that the scope has in another way.

use kis_core::matching::scope::Scope;

/// A buffer that contents are looked for in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Buffer {
    /// A scope as it is.
    Scope(Scope),
    /// The host in small letters and without its port.
    Host,
    /// The names of the header fields, each on a line.
    Names,
    /// The name in a DNS query.
    Query,
}

impl Buffer {
    /// All that is received.
    pub const STREAM: Self = Self::Scope(Scope::Stream);

    /// The one that an option names, as a modifier (`http_uri`) or for all contents that follow (`http.uri`).
    pub fn of(name: &str) -> Option<Self> {
        let field = |name: &str| Some(Self::Scope(Scope::value(name.as_bytes())));
        let plain = match name.replace('_', ".").as_str() {
            "http.method" => Scope::Method,
            "http.uri" | "uricontent" => Scope::Uri,
            "http.uri.raw" | "http.raw.uri" => Scope::RawUri,
            "http.request.line" => Scope::Line,
            "http.protocol" => Scope::Protocol,
            "http.header" | "http.header.raw" | "http.raw.header" => Scope::Headers,
            "http.client.body" | "http.request.body" => Scope::Body,
            "pkt.data" => Scope::Stream,
            "http.user.agent" => return field("user-agent"),
            "http.cookie" => return field("cookie"),
            "http.referer" => return field("referer"),
            "http.content.type" => return field("content-type"),
            "http.content.len" => return field("content-length"),
            "http.accept" => return field("accept"),
            "http.accept.enc" => return field("accept-encoding"),
            "http.accept.lang" => return field("accept-language"),
            "http.connection" => return field("connection"),
            "http.host.raw" | "http.raw.host" => return field("host"),
            "http.host" => return Some(Self::Host),
            "http.header.names" => return Some(Self::Names),
            "dns.query" => return Some(Self::Query),
            _ => return None,
        };
        Some(Self::Scope(plain))
    }

    /// The one that a flag of a pcre names.
    pub fn of_flag(flag: char) -> Option<Self> {
        Some(match flag {
            'M' => Self::Scope(Scope::Method),
            'U' => Self::Scope(Scope::Uri),
            'I' => Self::Scope(Scope::RawUri),
            'H' | 'D' => Self::Scope(Scope::Headers),
            'C' => Self::Scope(Scope::value(b"cookie")),
            'V' => Self::Scope(Scope::value(b"user-agent")),
            'Z' => Self::Scope(Scope::value(b"host")),
            'W' => Self::Host,
            'P' => Self::Scope(Scope::Body),
            _ => return None,
        })
    }

    /// Whether an option is about all contents that follow it.
    pub fn is_sticky(name: &str) -> bool {
        let is_new = name.contains('.') || matches!(name, "dns_query" | "pkt_data");
        is_new && Self::of(name).is_some()
    }

    /// Where it is looked for.
    pub fn scope(self) -> Scope {
        match self {
            Self::Scope(scope) => scope,
            Self::Host => Scope::value(b"host"),
            Self::Names => Scope::Headers,
            Self::Query => Scope::Stream,
        }
    }

    /// The regular expression of its end, if that can be asked for.
    pub fn end(self) -> Option<&'static str> {
        match self {
            Self::Host => Some("(?::[0-9]*)?$"),
            Self::Names | Self::Query => None,
            Self::Scope(scope) => scope.end().map(|_| "$"),
        }
    }
}

/// The name of a scope in a file: that of a field by its name.
pub fn name(scope: Scope) -> String {
    const FIELDS: [&str; 9] = [
        "user-agent",
        "cookie",
        "referer",
        "content-type",
        "content-length",
        "accept",
        "accept-encoding",
        "accept-language",
        "connection",
    ];
    let mut fields = FIELDS.iter().chain(&["host"]);
    let field = fields.find(|field| Scope::value(field.as_bytes()) == scope);
    field.map_or_else(
        || scope.name().to_owned(),
        |field| format!("{}{field}", scope.name()),
    )
}
