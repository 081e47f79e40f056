//! Reads an access control list as Windows writes it in text.
//! See <https://learn.microsoft.com/windows/win32/secauthz/ace-strings>.

/// Who else has rights, as a security identifier, or as one of Windows' two letters for it.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Rights<'s> {
    pub(super) readers: Vec<&'s str>,
    pub(super) writers: Vec<&'s str>,
}

/// SYSTEM, administrators, and the owner.
const TRUSTED: [&str; 8] = [
    "SY",
    "BA",
    "CO",
    "OW",
    "S-1-5-18",
    "S-1-5-32-544",
    "S-1-3-0",
    "S-1-3-4",
];
/// Read the content: all rights, and those of reading.
const READ: ([&str; 5], u32) = (["FA", "GA", "FR", "GR", "CC"], 0x9000_0001);
/// Change the content, the rights or the owner, or remove the file.
const WRITE: ([&str; 9], u32) = (
    ["FA", "GA", "FW", "GW", "DC", "LC", "SD", "WD", "WO"],
    0x500d_0046,
);
/// The rights of others than the user.
pub(super) fn rights_of_others<'s>(sddl: &'s str, user: &str) -> Rights<'s> {
    let mut rights = Rights::default();
    let Some((_, list)) = sddl.split_once("D:") else {
        return rights;
    };
    if list.contains("NO_ACCESS_CONTROL") {
        rights.readers.push("WD");
        rights.writers.push("WD");
        return rights;
    }
    // What is audited follows.
    let list = list.split("S:").next().unwrap_or(list);
    for entry in list.split('(').skip(1) {
        let parts: Vec<&str> = entry.split([';', ')']).collect();
        let [kind, flags, allowed, _, _, who, ..] = parts[..] else {
            continue;
        };
        let is_inherited_only = pairs(flags).any(|flag| flag == "IO");
        if !["A", "XA"].contains(&kind) || is_inherited_only {
            continue;
        }
        if TRUSTED.contains(&who) || who == user {
            continue;
        }
        for (others, these) in [
            (&mut rights.readers, includes(allowed, &READ.0, READ.1)),
            (&mut rights.writers, includes(allowed, &WRITE.0, WRITE.1)),
        ] {
            if these && !others.contains(&who) {
                others.push(who);
            }
        }
    }
    rights
}

fn includes(allowed: &str, names: &[&str], bits: u32) -> bool {
    match allowed.strip_prefix("0x") {
        Some(number) => u32::from_str_radix(number, 16).is_ok_and(|number| number & bits != 0),
        None => pairs(allowed).any(|right| names.contains(&right)),
    }
}

fn pairs(text: &str) -> impl Iterator<Item = &str> {
    (0..text.len())
        .step_by(2)
        .filter_map(|at| text.get(at..at + 2))
}

#[cfg(test)]
mod tests {
    use super::rights_of_others;

    const USER: &str = "S-1-5-21-1-2-3-1001";

    #[test]
    fn others_are_found_whatever_gives_them_rights() {
        for (sddl, readers, writers) in [
            (
                "D:AI(A;ID;FA;;;SY)(A;ID;FA;;;BA)(A;ID;FA;;;S-1-5-21-1-2-3-1001)",
                &[][..],
                &[][..],
            ),
            ("D:P(A;;FA;;;OW)", &[], &[]),
            (
                "D:AI(A;ID;FA;;;BA)(A;ID;0x1200a9;;;BU)(A;ID;0x1301bf;;;AU)",
                &["BU", "AU"],
                &["AU"],
            ),
            ("D:(A;;FR;;;WD)", &["WD"], &[]),
            ("D:(A;;FX;;;WD)", &[], &[]),
            ("D:(A;OICIIO;FA;;;WD)(A;OICI;WD;;;BU)", &[], &["BU"]),
            ("D:(D;;FA;;;WD)", &[], &[]),
            (
                "D:(A;;FA;;;S-1-5-21-1-2-3-10011)",
                &["S-1-5-21-1-2-3-10011"],
                &["S-1-5-21-1-2-3-10011"],
            ),
            ("D:PNO_ACCESS_CONTROL", &["WD"], &["WD"]),
            ("D:P(A;;FA;;;SY)S:(ML;;NW;;;ME)", &[], &[]),
            ("O:BAG:SYD:", &[], &[]),
            ("O:BA", &[], &[]),
        ] {
            let rights = rights_of_others(sddl, USER);
            assert_eq!(
                (&rights.readers[..], &rights.writers[..]),
                (readers, writers),
                "{sddl}"
            );
        }
    }
}
