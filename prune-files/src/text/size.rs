//! Sizes in units.

/// A count of bytes: `2.00 GiB`.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} bytes");
    }
    let (mut size, mut unit) = (bytes as f64 / 1024.0, 0);
    while size >= 1023.995 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    format!("{size:.2} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_change_where_the_shown_number_does() {
        assert_eq!(
            [bytes(1023), bytes(1024), bytes(1 << 31), bytes((1 << 20) - 1)],
            ["1023 bytes", "1.00 KiB", "2.00 GiB", "1.00 MiB"]
        );
    }
}
