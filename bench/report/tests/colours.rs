//! The families differ in their colours, for everybody: seen as usual, without red cones, and without green ones.
//!
//! Matrices: Machado, Oliveira, Fernandes, "A physiologically-based model for simulation of color vision deficiency",
//! IEEE TVCG 15 (2009), severity 1.0. Distances are those of CIE L*a*b* (CIE 1976).

const STYLE: &str = include_str!("../src/page/palette.css");

const FAMILIES: [&str; 8] =
    ["iterative", "processes", "threads", "readiness", "hybrid", "tasks", "completion", "foreign"];

/// Least distance between two colours: 2.3 can just be told apart beside each other, and lines lie apart.
const LEAST_DISTANCE: f64 = 10.0;

/// Least contrast of a name on paper (WCAG 2.2, 1.4.3).
const LEAST_CONTRAST: f64 = 4.5;

type Matrix = [[f64; 3]; 3];

const SIGHTS: [(&str, Matrix); 3] = [
    ("usual", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    (
        "protanopia",
        [
            [0.152_286, 1.052_583, -0.204_868],
            [0.114_503, 0.786_281, 0.099_216],
            [-0.003_882, -0.048_116, 1.051_998],
        ],
    ),
    (
        "deuteranopia",
        [
            [0.367_322, 0.860_646, -0.227_968],
            [0.280_085, 0.672_501, 0.047_413],
            [-0.011_820, 0.042_940, 0.968_881],
        ],
    ),
];

/// The colours of a theme, linear: the first is that of light paper, the second that of dark.
fn colour(name: &str, theme: usize) -> [f64; 3] {
    let mark = format!("--{name}: #");
    let found = STYLE.split(&mark).nth(theme + 1).unwrap_or_else(|| panic!("{name} in theme {theme}"));
    [0, 2, 4].map(|place| {
        let value = f64::from(u8::from_str_radix(&found[place..place + 2], 16).unwrap()) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    })
}

fn seen(colour: [f64; 3], sight: &Matrix) -> [f64; 3] {
    sight.map(|row| (0..3).map(|place| row[place] * colour[place]).sum::<f64>().clamp(0.0, 1.0))
}

fn luminance([red, green, blue]: [f64; 3]) -> f64 {
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

fn lab(colour: [f64; 3]) -> [f64; 3] {
    let [red, green, blue] = colour;
    let x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.950_47;
    let z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.088_83;
    let [x, y, z] = [x, luminance(colour), z]
        .map(|value| if value > 0.008_856 { value.cbrt() } else { 7.787 * value + 16.0 / 116.0 });
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

#[test]
fn families_can_be_told_apart_by_everybody() {
    let mut close = Vec::new();
    for theme in [0, 1] {
        for (place, one) in FAMILIES.iter().enumerate() {
            for other in &FAMILIES[..place] {
                for (sight, matrix) in &SIGHTS {
                    let [a, b] = [one, other].map(|name| lab(seen(colour(name, theme), matrix)));
                    let distance = (0..3).map(|axis| (a[axis] - b[axis]).powi(2)).sum::<f64>().sqrt();
                    if distance < LEAST_DISTANCE {
                        close.push(format!("{one} and {other}, theme {theme}, {sight}: {distance:.1}"));
                    }
                }
            }
        }
    }
    assert!(close.is_empty(), "{close:#?}");
}

#[test]
fn names_in_the_colour_of_their_family_can_be_read() {
    for theme in [0, 1] {
        let paper = luminance(colour("paper", theme)) + 0.05;
        for name in FAMILIES {
            let own = luminance(colour(name, theme)) + 0.05;
            let contrast = paper.max(own) / paper.min(own);
            assert!(contrast >= LEAST_CONTRAST, "{name} in theme {theme}: {contrast:.2}");
        }
    }
}
