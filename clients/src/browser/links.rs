//! What belongs to a page: images, scripts, styles, and frames with pages of their own.

use html5gum::{Token, Tokenizer};
use url::Url;

/// What a resource is to its page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The page itself.
    Page,
    /// A frame: a page inside the page.
    Frame,
    /// A picture.
    Image,
    /// A script.
    Script,
    /// A style sheet.
    Style,
}

impl Kind {
    /// In one word.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Page => "page",
            Kind::Frame => "frame",
            Kind::Image => "image",
            Kind::Script => "script",
            Kind::Style => "style",
        }
    }
}

/// Finds what a browser would fetch for `html`, in the order of the document, each once. Addresses are resolved against
/// `page`, or against the page's own `base`. What is no http or https address (`data:`, `javascript:`) is left out.
pub fn find(page: &Url, html: &[u8]) -> Vec<(Kind, Url)> {
    let mut base = page.clone();
    let mut found: Vec<(Kind, Url)> = Vec::new();
    for token in Tokenizer::new(html) {
        let Ok(Token::StartTag(tag)) = token else { continue };
        let attribute = |name: &[u8]| {
            let value = tag.attributes.iter().find(|(key, _)| key.as_slice() == name).map(|(_, value)| value);
            value.map(|v| String::from_utf8_lossy(v.as_slice()).trim().to_string())
        };
        let link = match tag.name.as_slice() {
            b"base" => {
                if let Some(url) = attribute(b"href").and_then(|href| base.join(&href).ok()) {
                    base = url;
                }
                None
            }
            b"img" => attribute(b"src").map(|src| (Kind::Image, src)),
            b"script" => attribute(b"src").map(|src| (Kind::Script, src)),
            b"iframe" | b"frame" => attribute(b"src").map(|src| (Kind::Frame, src)),
            b"link" => {
                let rel = attribute(b"rel").unwrap_or_default().to_ascii_lowercase();
                let kind = rel.split_ascii_whitespace().find_map(|word| match word {
                    "stylesheet" => Some(Kind::Style),
                    "icon" => Some(Kind::Image),
                    _ => None,
                });
                kind.and_then(|kind| Some((kind, attribute(b"href")?)))
            }
            _ => None,
        };
        let Some((kind, address)) = link.filter(|(_, address)| !address.is_empty()) else { continue };
        let Ok(mut url) = base.join(&address) else { continue };
        url.set_fragment(None);
        if matches!(url.scheme(), "http" | "https") && !found.iter().any(|(_, other)| *other == url) {
            found.push((kind, url));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(html: &str) -> Vec<(Kind, String)> {
        let page = Url::parse("http://h/a/page.html").unwrap();
        find(&page, html.as_bytes()).into_iter().map(|(kind, url)| (kind, url.to_string())).collect()
    }

    #[test]
    fn nested_and_untidy_markup_is_understood() {
        let html = r#"<!doctype html><HTML><head><link rel="Stylesheet alternate" href=style.css>
            <link rel=icon href=/favicon.ico><link rel=canonical href=/self><script src="s.js?a=1&amp;b=2"></script></head>
            <body><div><p><a href="x.html"><picture><img alt="a > b" src='../i.png'></picture></a></div>
            <!-- <img src="commented.png"> --><img src="i.png"/><img src="../i.png"><img src=""><img>
            <iframe src="//other/frame"></iframe><img src="https://other/i"><img src="ftp://other/i"><img src="data:image/png;base64,AA=="><img src="f#part">"#;
        let expected = [
            (Kind::Style, "http://h/a/style.css"),
            (Kind::Image, "http://h/favicon.ico"),
            (Kind::Script, "http://h/a/s.js?a=1&b=2"),
            (Kind::Image, "http://h/i.png"),
            (Kind::Image, "http://h/a/i.png"),
            (Kind::Frame, "http://other/frame"),
            (Kind::Image, "https://other/i"),
            (Kind::Image, "http://h/a/f"),
        ];
        let found = links(html);
        let found: Vec<(Kind, &str)> = found.iter().map(|(kind, url)| (*kind, url.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_base_counts() {
        assert_eq!(links("<base href='/b/'><img src=i>"), [(Kind::Image, "http://h/b/i".to_string())]);
    }

    #[test]
    fn garbage_holds_nothing() {
        assert_eq!(links("\0<<<< img src=i>\u{fffd}<img srcx=1><img src"), []);
    }
}
