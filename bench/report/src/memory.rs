//! Memory for each connection in words.

use dyno_units::show;

/// Memory grows by pages; this is the smallest of those that Linux has.
const PAGE_BYTES: f64 = 4096.0;

/// Pages below which one more or less would change the figure by more than a tenth.
const PAGES_FOR_A_FIGURE: f64 = 10.0;

/// What each of `connections` takes of a growth. Of a growth of a few pages a quotient would only tell how many
/// connections share a page.
pub(crate) fn each(growth_bytes: f64, connections: f64) -> String {
    let quotient = growth_bytes / connections;
    if growth_bytes < PAGES_FOR_A_FIGURE * PAGE_BYTES && quotient < PAGE_BYTES {
        "under a page".to_string()
    } else {
        show::bytes(quotient)
    }
}

#[cfg(test)]
mod tests {
    use super::each;

    #[test]
    fn a_page_divided_is_no_figure() {
        for (growth, connections, expected) in [
            (4_096.0, 10.0, "under a page"),
            (4_096.0, 30.0, "under a page"),
            (0.0, 10.0, "under a page"),
            (16_384.0, 100.0, "under a page"),
            (118_784.0, 300.0, "396 B"),
            (475_136.0, 1_000.0, "475 B"),
            (8_192.0, 2.0, "4.00 KiB"),
            (81_920.0, 10.0, "8.00 KiB"),
        ] {
            assert_eq!(each(growth, connections), expected, "{growth} of {connections}");
        }
    }
}
