// SPDX-License-Identifier: GPL-2.0

//! The buffers of rules: which scope each is, and what it has that the scope has in another way.

use kis_core::matching::scope::Scope;

/// A buffer that contents are looked for in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Buffer {
    /// A scope as it is.
    Scope(Scope),
    /// The value of a header field, by its name in small letters.
    Field(&'static str),
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
        let field = |name| Some(Self::Field(name));
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
            'C' => Self::Field("cookie"),
            'V' => Self::Field("user-agent"),
            'Z' => Self::Field("host"),
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
            Self::Field(name) => Scope::value(name.as_bytes()),
            Self::Host => Scope::value(b"host"),
            Self::Names => Scope::Headers,
            Self::Query => Scope::Stream,
        }
    }

    /// The regular expression of its end, if that can be asked for.
    pub fn end(self) -> Option<&'static str> {
        match self {
            Self::Host => Some("(?::[0-9]*)?$"),
            Self::Names => None,
            // The label of the root.
            Self::Query => Some("\\x00"),
            Self::Scope(_) | Self::Field(_) => self.scope().end().map(|_| "$"),
        }
    }

    /// The name of its scope in a file.
    pub fn name(self) -> String {
        let scope = self.scope().name();
        match self {
            Self::Field(name) => format!("{scope}{name}"),
            Self::Host => format!("{scope}host"),
            Self::Scope(_) | Self::Names | Self::Query => scope.to_owned(),
        }
    }
}
