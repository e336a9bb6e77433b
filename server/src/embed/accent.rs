//! The accent that a website asks for: a hue, or a colour that has one.
//!
//! Only the hue is taken. Lightness and strength are ours, so that whatever is asked for can be
//! read; and a number cannot be anything else in a style sheet.

/// The hue of OKLCH, in degrees: from `"250"`, `"#1d4f91"` or `"1d4f91"`. `None` for everything
/// else, and for greys, which have no hue.
pub fn hue(text: &str) -> Option<u16> {
    let digits = text.strip_prefix('#').unwrap_or(text);
    if digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return hue_of(u32::from_str_radix(digits, 16).ok()?);
    }
    let is_plain = !text.is_empty() && text.len() <= 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|hue| is_plain && *hue < 360)
}

/// From sRGB by way of `OKLab` (<https://bottosson.github.io/posts/oklab/>).
fn hue_of(rgb: u32) -> Option<u16> {
    /// Below this strength a colour is a grey.
    const GREY: f64 = 0.02;
    let light = [16, 8, 0].map(|shift| {
        let value = f64::from((rgb >> shift) & 0xff) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    });
    let weighed = |of: [f64; 3], parts: [f64; 3]| of[0] * parts[0] + of[1] * parts[1] + of[2] * parts[2];
    let cones = [
        [0.412_221_470_8, 0.536_332_536_3, 0.051_445_992_9],
        [0.211_903_498_2, 0.680_699_545_1, 0.107_396_956_6],
        [0.088_302_461_9, 0.281_718_837_6, 0.629_978_700_5],
    ]
    .map(|of| weighed(of, light).cbrt());
    let to_red = weighed([1.977_998_495_1, -2.428_592_205_0, 0.450_593_709_9], cones);
    let to_yellow = weighed([0.025_904_037_1, 0.782_771_766_2, -0.808_675_766_0], cones);
    if to_red.hypot(to_yellow) < GREY {
        return None;
    }
    let degrees = to_yellow.atan2(to_red).to_degrees().rem_euclid(360.0).round();
    // 359.7° is nearest to 0°.
    (0..360).find(|hue| (f64::from(*hue) - degrees).abs() < 0.5).or(Some(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hue_is_read_from_a_number_or_a_colour() {
        let table = [
            ("0", Some(0)),
            ("164", Some(164)),
            ("359", Some(359)),
            // As browsers say it: oklch(from #ff0000 l c h).
            ("#ff0000", Some(29)),
            ("00ff00", Some(142)),
            ("#0000FF", Some(264)),
            ("#1d4f91", Some(257)),
        ];
        for (text, expected) in table {
            assert_eq!(hue(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_colour_is_no_accent() {
        let long = "1".repeat(4000);
        for text in [
            "",
            "360",
            "-1",
            "+1",
            "1e2",
            "12.5",
            " 12",
            "#fff",
            "#12345g",
            "#808080",
            "000000",
            "red",
            "0}:root{--x:1",
            "٣",
            &long,
        ] {
            assert_eq!(hue(text), None, "{text:.40}");
        }
    }
}
