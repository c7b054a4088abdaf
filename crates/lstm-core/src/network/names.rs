//! Patterns over the names of tensors. Knows nothing of the tensors.

/// Whether `pattern` names `name`: letter for letter, but that each `*` stands for any characters, or none.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    // The earliest place of each part leaves the most for those that follow.
    for part in parts {
        let Some(place) = rest.find(part) else { return false };
        rest = &rest[place + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_stand_for_any_characters() {
        let name = "layers.0.weight_hh_l0_reverse";
        for pattern in
            [name, "*", "layers.*", "*.weight_hh*", "*weight*reverse", "layers.0.weight_hh_l0_reverse*", "**", "*l*0*"]
        {
            assert!(matches(pattern, name), "{pattern}");
        }
        for pattern in [
            "",
            "layers",
            "*.weight_ih*",
            "weight_hh*",
            "*hh",
            "layers.0.weight_hh_l0",
            "*reverse*reverse",
            "layers.*.*.l0*",
        ] {
            assert!(!matches(pattern, name), "{pattern}");
        }
        assert!(matches("", "") && matches("a*a", "aa") && !matches("a*a", "a"));
    }
}
