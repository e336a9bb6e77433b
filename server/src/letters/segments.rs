//! How many parts a text message is sent in: each is paid for, and each may come late.
//!
//! A message of the alphabet of GSM 03.38 (3GPP TS 23.038, 6.2.1) has 160 signs in one part and 153
//! in each of several; any other sign makes it UCS-2, with 70 and 67.

const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// Each takes two places.
const EXTENDED: &str = "^{}\\[~]|€";

/// The number of parts.
pub fn segments(text: &str) -> usize {
    let places: Option<usize> = text.chars().map(places).sum();
    let (count, alone, each) = match places {
        Some(places) => (places, 160, 153),
        None => (text.encode_utf16().count(), 70, 67),
    };
    if count <= alone { 1 } else { count.div_ceil(each) }
}

fn places(sign: char) -> Option<usize> {
    if BASIC.contains(sign) {
        Some(1)
    } else if EXTENDED.contains(sign) {
        Some(2)
    } else {
        None
    }
}

/// The text without what only looks better: accents that the small alphabet lacks, typographic
/// quotes. One such sign more than halves the room.
pub fn plain(text: &str) -> String {
    let simple = |sign: char| match sign {
        'á' | 'â' => 'a',
        'ê' | 'ë' => 'e',
        'í' | 'î' => 'i',
        'ó' | 'ô' => 'o',
        'ú' | 'û' => 'u',
        'Á' | 'À' | 'Â' => 'A',
        'È' | 'Ê' => 'E',
        'Í' | 'Ì' => 'I',
        'Ó' | 'Ò' => 'O',
        'Ú' | 'Ù' => 'U',
        '’' | '‘' => '\'',
        '“' | '”' | '„' | '«' | '»' => '"',
        '–' | '—' => '-',
        other => other,
    };
    text.replace('…', "...").chars().map(simple).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_counted_as_networks_count_them() {
        let table = [
            ("a".repeat(160), 1),
            ("a".repeat(161), 2),
            ("a".repeat(306), 2),
            ("a".repeat(307), 3),
            ("ä".repeat(160), 1),
            ("€".repeat(80), 1),
            ("€".repeat(81), 2),
            ("ó".repeat(70), 1),
            ("ó".repeat(71), 2),
            ("م".repeat(134), 2),
            ("م".repeat(135), 3),
            (format!("{}ó", "a".repeat(134)), 3),
            ("😀".repeat(36), 2),
        ];
        for (text, parts) in table {
            assert_eq!(segments(&text), parts, "{text}");
        }
    }

    #[test]
    fn plain_text_is_of_the_small_alphabet() {
        assert_eq!(plain("Su cita está: «miércoles» – ¿sí?…"), "Su cita esta: \"miércoles\" - ¿si?...");
        assert_eq!(segments(&plain(&"áíóú’".repeat(32))), 1);
    }
}
