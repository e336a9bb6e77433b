//! What a gateway's codes mean, in words that may be kept and shown: its own may quote the number.
//! (<https://www.twilio.com/docs/api/errors>)

/// The code, if there is one, and what it stands for.
pub fn meaning(code: u32) -> String {
    let words = match code {
        0 => return "without a reason".to_owned(),
        21_211 | 21_217 | 21_401 | 21_407 => "the number does not exist",
        21_408 => "the account may not write to that country",
        21_610 => "the patient does not want text messages from this sender",
        21_612 => "there is no way to that number",
        21_614 | 30_006 => "the number takes no text messages",
        21_617 => "the message is too long",
        30_001 | 30_022 | 30_023 => "too many messages at once",
        30_002 => "the account is suspended",
        30_003 => "the telephone cannot be reached",
        30_004 => "the telephone refuses the message",
        30_005 => "the number is not in use",
        30_007 | 30_034 => "the network holds it for spam",
        _ => "see the gateway's list of errors",
    };
    format!("{code}, {words}")
}
