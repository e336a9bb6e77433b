//! The currencies of ISO 4217 and how many digits each has after the point.
//!
//! Only what is paid with: no metals, no test codes, no units of account.

/// Currencies without a smaller unit.
const WHOLE: &str = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF";
/// Currencies of a thousand smaller units.
const THOUSANDTHS: &str = "BHD IQD JOD KWD LYD OMR TND";
/// Currencies of a hundred smaller units.
const HUNDREDTHS: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF \
CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR \
JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK \
NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT \
TOP TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD YER ZAR ZMW";

/// Digits after the point; `None` for a code that is no currency.
pub fn digits(code: &str) -> Option<u32> {
    [(WHOLE, 0), (HUNDREDTHS, 2), (THOUSANDTHS, 3)]
        .into_iter()
        .find_map(|(codes, digits)| codes.split(' ').any(|known| known == code).then_some(digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_currency_has_as_many_digits_as_its_coins_say() {
        assert_eq!([digits("GBP"), digits("JPY"), digits("KWD")], [Some(2), Some(0), Some(3)]);
        assert_eq!([digits("gbp"), digits("XXX"), digits(""), digits("EUR ")], [None; 4]);
    }
}
